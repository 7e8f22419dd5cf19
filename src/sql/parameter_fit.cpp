#include "sql/parameter_fit.hpp"

namespace sluice::sql {

bool fits(ParameterType declared, const SqlType& expected) noexcept {
    const std::string_view name{expected.name};
    const bool names_an_object = name.starts_with("reg");  // regclass and its like: numeric, but written as a name
    switch (declared) {
        case ParameterType::integer:
            return expected.category == 'N' && !names_an_object;
        case ParameterType::number:
            return expected.category == 'N' && !names_an_object && name != "integer" && name != "bigint" &&
                   name != "smallint" && name != "oid";
        case ParameterType::boolean:
            return expected.category == 'B';
        case ParameterType::array:
            return expected.category == 'A';
        case ParameterType::string:
            break;
    }
    return names_an_object || (expected.category != 'N' && expected.category != 'B' && expected.category != 'A');
}

std::string_view declared_name(ParameterType type) noexcept {
    switch (type) {
        case ParameterType::integer:
            return "integer";
        case ParameterType::number:
            return "number";
        case ParameterType::boolean:
            return "boolean";
        case ParameterType::array:
            return "array";
        case ParameterType::string:
            break;
    }
    return "string";
}

}  // namespace sluice::sql
