// Tag templates such as `city:{id}`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// The names in braces, in order; or what is wrong, as in `has a '{' without '}'`.
struct TagTemplate {
    std::vector<std::string> names;
    std::string complaint;  ///< empty: none
};
TagTemplate parse_tag_template(std::string_view text);

}  // namespace sluice::config
