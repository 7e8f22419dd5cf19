#include "config/tag_names.hpp"

#include "config/route_key.hpp"
#include "endpoints/body_members.hpp"
#include "policy/tag_template.hpp"

#include <stdexcept>

namespace sluice::config {

std::vector<std::string> names_in_tag(Section& section, const Node& item, TagOwner owner) {
    try {
        auto names = policy::TagTemplate{item.text}.names();
        for (const auto& name : names) {
            const bool prefixed = name.starts_with(ParameterSettings::header_prefix) || endpoints::body_path(name);
            if (is_parameter_name(name) || (prefixed && owner == TagOwner::route)) continue;
            section.fail(item, "the tag " + describe(item) + " needs a name in '{" + name + "}'");
            return {};
        }
        return names;
    } catch (const std::invalid_argument& error) {
        section.fail(item, "the tag " + describe(item) + " " + error.what());
    }
    return {};
}

}  // namespace sluice::config
