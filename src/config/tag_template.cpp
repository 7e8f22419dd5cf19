#include "config/tag_template.hpp"

#include "config/route_key.hpp"

#include <algorithm>

namespace sluice::config {

TagTemplate parse_tag_template(std::string_view text) {
    TagTemplate result;
    if (text.empty()) return {{}, "is empty"};
    if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
        return {{}, "holds a control character"};
    }
    for (std::size_t at = 0;;) {
        const auto brace = text.find_first_of("{}", at);
        if (brace == std::string_view::npos) return result;
        if (text[brace] == '}') return {{}, "has a '}' without '{'"};
        const auto close = text.find_first_of("{}", brace + 1);
        if (close == std::string_view::npos || text[close] == '{') return {{}, "has a '{' without '}'"};
        const auto name = text.substr(brace + 1, close - brace - 1);
        if (!is_parameter_name(name)) return {{}, "needs a name in '{" + std::string{name} + "}'"};
        result.names.emplace_back(name);
        at = close + 1;
    }
}

}  // namespace sluice::config
