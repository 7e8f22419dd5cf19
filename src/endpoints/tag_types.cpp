#include "endpoints/tag_types.hpp"

#include "json/schema.hpp"

#include <algorithm>

namespace sluice::endpoints {
namespace {

using postgres::Spelling;

Spelling spelling_of(ParameterType type) noexcept {
    switch (type) {
        case ParameterType::integer:
        case ParameterType::number:
            return Spelling::number;
        case ParameterType::boolean:
            return Spelling::boolean;
        case ParameterType::string:
        case ParameterType::array:
            break;
    }
    return Spelling::text;
}

bool is_uuid_property(const json::Json& schema, const std::string& name) {
    const json::Json::json_pointer format = json::Json::json_pointer{"/properties"} / name / "format";
    return schema.contains(format) && schema.at(format) == "uuid";
}

}  // namespace

postgres::ParameterTypes declared_types(const RouteSettings& route, const StatementSpec& statement) {
    postgres::ParameterTypes types;
    const auto schema = route.body_schema ? json::read_schema(*route.body_schema) : json::Json{};
    for (std::size_t i = 0; i < statement.parameters.size(); ++i) {
        const auto& name = statement.parameters[i];
        auto spelling = spelling_of(statement.parameter_types[i]);
        const auto declared = std::find_if(route.parameters.begin(), route.parameters.end(),
                                           [&](const auto& parameter) { return parameter.name == name; });
        const bool uuid = declared != route.parameters.end() ? declared->format == "uuid" : is_uuid_property(schema, name);
        if (uuid) spelling = Spelling::uuid;
        types.push_back({{spelling, 0}});
    }
    return types;
}

}  // namespace sluice::endpoints
