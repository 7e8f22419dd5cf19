#include "endpoints/route_statement.hpp"

#include "endpoints/json_schema.hpp"
#include "endpoints/page.hpp"
#include "endpoints/property_types.hpp"
#include "endpoints/reserved_names.hpp"

namespace sluice::endpoints {

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
    for (const auto& property : route.body_properties) add(property, property_types(schema, property).parameter_type());
    for (const auto name : reserved_names) add(std::string{name}, ParameterType::string);
    return spec;
}

}  // namespace sluice::endpoints
