#include "endpoints/json_body.hpp"

#include "endpoints/decimal.hpp"
#include "endpoints/json_validator.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::endpoints {
namespace {

/// valijson matches `patternProperties` with std::regex, whose recursion grows with the text: longer names could exhaust the
/// stack.
constexpr std::size_t longest_matched_name = 4096;

bool is_integer_property(const Json& schema, const std::string& name) {
    const Json::json_pointer type = Json::json_pointer{"/properties"} / name / "type";
    return schema.contains(type) && schema.at(type) == "integer";
}

/// PostgreSQL's integer types take no `5.0` and no `50e-1`, which draft 7 calls integers.
std::optional<std::string> bound(const Json& value, std::string_view raw, bool integer) {
    if (value.is_null()) return std::nullopt;
    if (value.is_string()) return value.get<std::string>();
    return integer && is_number(value) && !is_json_integer(raw) ? canonical_number(raw) : std::string{raw};
}

}  // namespace

struct JsonBody::Schema {
    explicit Schema(const PreparedSchema& prepared) : has_name_patterns{prepared.has_name_patterns}, validator{prepared} {}

    bool has_name_patterns;
    JsonValidator validator;
};

JsonBody::JsonBody(const std::string& schema, std::vector<std::string> properties) : properties_{std::move(properties)} {
    const auto document = read_schema(schema);
    const auto prepared = prepare_schema(document);
    for (const auto& [place, message] : prepared.mistakes)
        throw std::invalid_argument{"the body's schema: '#" + place.to_string() + "' " + message};
    schema_ = std::make_unique<Schema>(prepared);
    integers_.reserve(properties_.size());
    for (const auto& name : properties_) integers_.push_back(is_integer_property(document, name));
}

JsonBody::~JsonBody() = default;

std::variant<std::vector<std::optional<std::string>>, Problem> JsonBody::read(std::string_view bytes) const {
    auto read = read_exactly(bytes);
    if (auto* wrong = std::get_if<std::string>(&read)) {
        const bool is_json = *wrong != no_json;
        Problem problem = Problem::of(400, is_json ? "The body goes beyond a limit." : "The body is not valid JSON.");
        problem.errors.push_back({"body", "", std::move(*wrong)});
        return problem;
    }
    const auto& [document, longest_name] = std::get<ExactJson>(read);

    Problem problem = Problem::of(422, "The body does not match what this resource expects.");
    if (schema_->has_name_patterns && longest_name > longest_matched_name) {
        problem.errors.push_back(
            {"body", "", "must not have names of more than " + std::to_string(longest_matched_name) + " bytes"});
        return problem;
    }
    for (auto& [pointer, message] : schema_->validator.violations(document, bytes.size()))
        problem.errors.push_back({"body", std::move(pointer), std::move(message)});
    if (!problem.errors.empty()) return problem;

    std::vector<std::optional<std::string>> values(properties_.size());
    for (const auto& member : top_level_members(bytes)) {
        const auto found = std::find(properties_.begin(), properties_.end(), member.name);
        if (found == properties_.end()) continue;
        const auto index = static_cast<std::size_t>(found - properties_.begin());
        values[index] = bound(document.at(member.name), member.value, integers_[index]);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!values[i] || values[i]->find('\0') == values[i]->npos) continue;
        problem.errors.push_back({"body", (Json::json_pointer{} / properties_[i]).to_string(), "must not contain NUL"});
    }
    if (!problem.errors.empty()) return problem;
    return values;
}

}  // namespace sluice::endpoints
