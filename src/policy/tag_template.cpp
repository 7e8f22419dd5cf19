#include "policy/tag_template.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::policy {

TagTemplate::TagTemplate(std::string_view text) {
    if (text.empty()) throw std::invalid_argument{"is empty"};
    if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
        throw std::invalid_argument{"holds a control character"};
    }
    for (;;) {
        const auto open = text.find_first_of("{}");
        if (open == text.npos) break;
        if (text[open] == '}') throw std::invalid_argument{"has a '}' without '{'"};
        const auto close = text.find_first_of("{}", open + 1);
        if (close == text.npos || text[close] == '{') throw std::invalid_argument{"has a '{' without '}'"};
        if (close == open + 1) throw std::invalid_argument{"needs a name in '{}'"};
        literals_.emplace_back(text.substr(0, open));
        names_.emplace_back(text.substr(open + 1, close - open - 1));
        text.remove_prefix(close + 1);
    }
    literals_.emplace_back(text);
}

std::optional<std::string> TagTemplate::fill(
    const std::function<std::optional<std::string>(std::string_view)>& lookup) const {
    std::string tag = literals_.front();
    for (std::size_t i = 0; i < names_.size(); ++i) {
        const auto value = lookup(names_[i]);
        if (!value) return std::nullopt;
        tag.append(*value).append(literals_[i + 1]);
    }
    return tag;
}

}  // namespace sluice::policy
