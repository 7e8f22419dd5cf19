#include "cache/tags.hpp"

#include <stdexcept>

namespace sluice::cache {

TagTemplate::TagTemplate(std::string_view text) {
    const std::string whole{text};
    for (;;) {
        const auto open = text.find_first_of("{}");
        if (open == text.npos) break;
        const auto close = text.find_first_of("{}", open + 1);
        if (text[open] != '{' || close == text.npos || text[close] != '}' || close == open + 1) {
            throw std::invalid_argument{"malformed tag template '" + whole + "'"};
        }
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

}  // namespace sluice::cache
