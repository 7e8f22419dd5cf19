#include "json/property_types.hpp"

#include "json/decimal.hpp"
#include "json/schema.hpp"

#include <initializer_list>

namespace sluice::json {
namespace {

constexpr PropertyTypes none{false, false, false, false, false, false};

PropertyTypes either(const PropertyTypes& a, const PropertyTypes& b) {
    return {a.null || b.null,         a.boolean || b.boolean, a.integer || b.integer,
            a.fraction || b.fraction, a.array || b.array,     a.others || b.others};
}

PropertyTypes both(const PropertyTypes& a, const PropertyTypes& b) {
    return {a.null && b.null,         a.boolean && b.boolean, a.integer && b.integer,
            a.fraction && b.fraction, a.array && b.array,     a.others && b.others};
}

PropertyTypes of_name(const Json& type) {
    auto types = none;
    types.null = type == "null";
    types.boolean = type == "boolean";
    types.integer = type == "integer" || type == "number";
    types.fraction = type == "number";
    types.array = type == "array";
    types.others = type == "string" || type == "object";
    return types;
}

PropertyTypes of_value(const Json& value) {
    auto types = none;
    types.null = value.is_null();
    types.boolean = value.is_boolean();
    types.integer = is_number(value) && has_integer_value(number_text(value));
    types.fraction = is_number(value) && !types.integer;
    types.array = value.is_array();
    types.others = value.is_string() || value.is_object();
    return types;
}

template <class Types>
PropertyTypes of_any(const Json& list, const Types& types_of) {
    auto types = none;
    for (const auto& one : list) types = either(types, types_of(one));
    return types;
}

PropertyTypes of_schema(const Json& root, const Json& schema, std::size_t depth) {
    if (depth == deepest_nesting || !schema.is_object()) return schema == false ? none : PropertyTypes{};
    const auto of_inner = [&](const Json& inner) { return of_schema(root, inner, depth + 1); };
    if (const auto reference = schema.find("$ref"); reference != schema.end()) {
        const auto* target = reference->is_string() ? referenced(root, reference->get<std::string>()) : nullptr;
        return target ? of_inner(*target) : PropertyTypes{};
    }
    PropertyTypes types;
    const auto type = schema.find("type");
    if (type != schema.end()) types = both(types, type->is_array() ? of_any(*type, of_name) : of_name(*type));
    if (const auto word = schema.find("enum"); word != schema.end()) types = both(types, of_any(*word, of_value));
    if (const auto word = schema.find("const"); word != schema.end()) types = both(types, of_value(*word));
    for (const auto* word : {"anyOf", "oneOf"}) {
        if (const auto list = schema.find(word); list != schema.end()) types = both(types, of_any(*list, of_inner));
    }
    if (const auto all = schema.find("allOf"); all != schema.end()) {
        for (const auto& one : *all) types = both(types, of_inner(one));
    }
    return types;
}

/// Adds what schemas say of the member.
void collect(const Json& root, const Json& schema, const std::string& name, std::size_t depth,
             std::vector<const Json*>& found) {
    if (depth == deepest_nesting || !schema.is_object()) return;
    if (const auto reference = schema.find("$ref"); reference != schema.end()) {
        if (const auto* target = reference->is_string() ? referenced(root, reference->get<std::string>()) : nullptr)
            collect(root, *target, name, depth + 1, found);
        return;
    }
    if (const auto properties = schema.find("properties"); properties != schema.end() && properties->contains(name))
        found.push_back(&properties->at(name));
    for (const auto* word : {"allOf", "anyOf", "oneOf"}) {
        const auto list = schema.find(word);
        if (list == schema.end()) continue;
        for (const auto& one : *list) collect(root, one, name, depth + 1, found);
    }
}

std::vector<const Json*> schemas_of(const Json& root, const std::vector<std::string>& path) {
    std::vector<const Json*> schemas{&root};
    for (const auto& name : path) {
        std::vector<const Json*> inner;
        for (const auto* schema : schemas) collect(root, *schema, name, 0, inner);
        schemas = std::move(inner);
    }
    return schemas;
}

}  // namespace

ParameterType PropertyTypes::parameter_type() const noexcept {
    if (others || array || (boolean && (integer || fraction))) return ParameterType::string;
    if (fraction) return ParameterType::number;
    if (integer) return ParameterType::integer;
    return boolean ? ParameterType::boolean : ParameterType::string;
}

PropertyTypes property_types(const Json& schema, const std::string& name) {
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !properties->contains(name)) return {};
    return of_schema(schema, properties->at(name), 0);
}

PropertyTypes property_types(const Json& schema, const std::vector<std::string>& path) {
    const auto schemas = schemas_of(schema, path);
    if (schemas.empty()) return {};
    auto types = none;
    for (const auto* one : schemas) types = either(types, of_schema(schema, *one, 0));
    return types;
}

bool declares(const Json& schema, const std::vector<std::string>& path) { return !schemas_of(schema, path).empty(); }

}  // namespace sluice::json
