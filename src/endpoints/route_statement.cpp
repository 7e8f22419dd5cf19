#include "endpoints/route_statement.hpp"

#include "endpoints/json_schema.hpp"
#include "endpoints/page.hpp"
#include "endpoints/reserved_names.hpp"

namespace sluice::endpoints {
namespace {

/// The type of a body property where PostgreSQL infers none; anything but a plain scalar is bound as its JSON text.
ParameterType property_type(const Json& schema, const std::string& name) {
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !properties->contains(name) || !properties->at(name).is_object()) {
        return ParameterType::string;
    }
    const auto type = properties->at(name).value("type", Json{});
    if (type == "integer") return ParameterType::integer;
    if (type == "number") return ParameterType::number;
    if (type == "boolean") return ParameterType::boolean;
    return ParameterType::string;
}

}  // namespace

StatementSpec statement_of(const SqlRouteSettings& route) {
    StatementSpec spec;
    spec.name = std::string{to_string(route.method)} + " " + route.pattern;
    spec.sql = route.sql;
    spec.result = route.result;
    spec.read_only = route.method == Method::get;
    spec.on_primary = route.on_primary;
    spec.collapse = route.collapse;
    spec.labelled = route.cache && !route.cache->tags.empty();
    const auto add = [&](const std::string& name, ParameterType type) {
        spec.parameters.push_back(name);
        spec.parameter_types.push_back(type);
    };
    for (const auto& parameter : query_and_path_parameters(route)) add(parameter.name, parameter.type);
    if (route.page) spec.page_by = route.page->by;
    const auto schema = route.body_schema ? read_schema(*route.body_schema) : Json{};
    for (const auto& property : route.body_properties) add(property, property_type(schema, property));
    for (const auto name : reserved_names) add(std::string{name}, ParameterType::string);
    return spec;
}

}  // namespace sluice::endpoints
