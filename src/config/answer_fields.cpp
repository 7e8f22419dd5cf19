#include "config/answer_fields.hpp"

#include "config/header_fields.hpp"
#include "config/prefixed_names.hpp"
#include "config/route_key.hpp"
#include "config/suggestion.hpp"
#include "policy/tag_template.hpp"
#include "sluice/request.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::config {
namespace {

class FieldsReader {
public:
    FieldsReader(const RouteSettings& route, Mistakes& mistakes, std::vector<std::string>& used)
        : route_{route}, mistakes_{mistakes}, used_{used} {
        for (const auto& parameter : route.parameters) names_.push_back(parameter.name);
        for (const auto& property : route.body_properties) {
            if (!is_reserved(property)) names_.push_back(property);
        }
    }

    void read(const Member& member) {
        const auto& [name, location, value] = member;
        const auto same = [&name = name](const ResponseField& other) { return equal_ignoring_case(name, other.name); };
        if (auto complaint = complaint_about_answer_field(name, route_.sql_if() && route_.sql().page); !complaint.empty()) {
            mistakes_.add(location, std::move(complaint));
        } else if (std::any_of(fields.begin(), fields.end(), same)) {
            mistakes_.add(location, "'" + name + "' is set twice; case does not matter in its name");
        } else if (!value.broken && !value.is(Node::Kind::scalar)) {
            mistakes_.add(value.location, "'" + name + "' must be a text, not " + describe(value));
        } else if (!value.broken && (value.text.empty() || !is_field_value(value.text))) {
            mistakes_.add(value.location, "the value of '" + name + "' must be one line of ASCII, without blanks around it");
        } else if (!value.broken && has_good_names(name, value)) {
            fields.push_back({name, value.text, value.location});
        }
    }

    std::vector<ResponseField> fields;

private:
    bool has_good_names(const std::string& field, const Node& value) {
        try {
            const policy::TagTemplate text{value.text};
            for (const auto& name : text.names()) {
                if (auto wrong = complaint_about_name(name); !wrong.empty()) {
                    mistakes_.add(value.location, std::string{"'"}.append(field).append("' ").append(wrong));
                    return false;
                }
                used_.push_back(name);
            }
            return true;
        } catch (const std::invalid_argument& error) {
            mistakes_.add(value.location, "the value of '" + field + "' " + error.what());
            return false;
        }
    }

    std::string complaint_about_name(const std::string& name) const {
        const auto declared = std::find_if(route_.parameters.begin(), route_.parameters.end(),
                                           [&](const ParameterSettings& parameter) { return parameter.name == name; });
        if (declared != route_.parameters.end()) {
            return declared->type == ParameterType::array ? "names '" + name + "', which is an array" : "";
        }
        if (std::find(names_.begin(), names_.end(), name) != names_.end() || is_body_member(route_, name)) return {};
        if (is_reserved(name)) return "cannot name '" + name + "'";
        const bool has_row = route_.sql_if() && route_.sql().result == ResultShape::one;
        if (has_row && is_parameter_name(name)) return {};  // a column, or `sluice check` says so
        const std::string columns = has_row || !route_.sql_if() ? "" : "; columns are for 'result: one'";
        return "names '" + name + "', which is no parameter" + columns + suggestion(name, names_);
    }

    const RouteSettings& route_;
    Mistakes& mistakes_;
    std::vector<std::string>& used_;
    std::vector<std::string> names_;
};

}  // namespace

std::vector<ResponseField> read_answer_fields(Section& section, const RouteSettings& route, std::vector<std::string>& used) {
    const auto* node = section.find("headers");
    if (!node) return {};
    const Section whole{*node, "'headers'", section.mistakes()};
    FieldsReader reader{route, section.mistakes(), used};
    for (const auto& member : node->members) reader.read(member);
    return std::move(reader.fields);
}

}  // namespace sluice::config
