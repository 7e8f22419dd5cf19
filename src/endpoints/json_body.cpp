#include "endpoints/json_body.hpp"

// valijson 1.0 and nlohmann/json are not written for our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#pragma GCC diagnostic pop

#include <algorithm>
#include <stdexcept>

namespace sluice::endpoints {
namespace {

using nlohmann::json;

/// valijson matches `pattern` with std::regex, whose recursion grows with the text: longer strings could exhaust the stack.
constexpr std::size_t longest_matched_string = 4096;

bool uses_patterns(const json& schema) {
    if (schema.is_object()) {
        if (schema.contains("pattern") || schema.contains("patternProperties")) return true;
    }
    return schema.is_structured() && std::any_of(schema.begin(), schema.end(), uses_patterns);
}

/// Iterative, as a body may be nested as deep as its length allows.
bool has_long_string(const json& document) {
    std::vector<const json*> pending{&document};
    while (!pending.empty()) {
        const json& node = *pending.back();
        pending.pop_back();
        if (node.is_string() && node.get_ref<const std::string&>().size() > longest_matched_string) return true;
        if (node.is_object()) {
            for (const auto& [name, value] : node.items()) {
                if (name.size() > longest_matched_string) return true;
                pending.push_back(&value);
            }
        } else if (node.is_array()) {
            for (const auto& value : node) pending.push_back(&value);
        }
    }
    return false;
}

/// valijson's path `<root>[a][0]` as a JSON pointer (RFC 6901).
std::string pointer(const std::vector<std::string>& context) {
    std::string result;
    for (const auto& part : context) {
        if (part == "<root>") continue;
        const bool bracketed = part.size() >= 2 && part.front() == '[' && part.back() == ']';
        result += '/';
        for (const char c : bracketed ? part.substr(1, part.size() - 2) : part) {
            if (c == '~')
                result += "~0";
            else if (c == '/')
                result += "~1";
            else
                result += c;
        }
    }
    return result;
}

std::optional<std::string> bound(const json& value, std::string_view raw) {
    if (value.is_null()) return std::nullopt;
    if (value.is_string()) return value.get<std::string>();
    return std::string{raw};
}

}  // namespace

struct JsonBody::Schema {
    valijson::Schema compiled;
    bool patterns = false;
};

JsonBody::JsonBody(const std::string& schema, std::vector<std::string> properties)
    : schema_{std::make_unique<Schema>()}, properties_{std::move(properties)} {
    try {
        const auto document = json::parse(schema);
        schema_->patterns = uses_patterns(document);
        valijson::SchemaParser parser{valijson::SchemaParser::kDraft7};
        parser.populateSchema(valijson::adapters::NlohmannJsonAdapter{document}, schema_->compiled);
    } catch (const std::exception& error) {
        throw std::invalid_argument{std::string{"the body's schema is not valid: "} + error.what()};
    }
}

JsonBody::~JsonBody() = default;

std::variant<std::vector<std::optional<std::string>>, Problem> JsonBody::read(std::string_view bytes) const {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    const auto document = bytes.starts_with(byte_order_mark) ? json(json::value_t::discarded)
                                                             : json::parse(bytes.begin(), bytes.end(), nullptr, false);
    if (document.is_discarded()) {
        Problem problem = Problem::of(400, "The body is not valid JSON.");
        problem.errors.push_back({"body", "", "must be JSON (RFC 8259) in UTF-8"});
        return problem;
    }

    Problem problem = Problem::of(422, "The body does not match what this resource expects.");
    if (schema_->patterns && has_long_string(document)) {
        problem.errors.push_back(
            {"body", "", "must not hold strings of more than " + std::to_string(longest_matched_string) + " bytes"});
        return problem;
    }
    valijson::Validator validator{valijson::Validator::kStrongTypes};
    valijson::ValidationResults results;
    if (!validator.validate(schema_->compiled, valijson::adapters::NlohmannJsonAdapter{document}, &results)) {
        valijson::ValidationResults::Error error;
        while (results.popError(error)) problem.errors.push_back({"body", pointer(error.context), error.description});
        return problem;
    }

    std::vector<std::optional<std::string>> values(properties_.size());
    for (const auto& member : top_level_members(bytes)) {
        const auto found = std::find(properties_.begin(), properties_.end(), member.name);
        if (found == properties_.end()) continue;
        auto value = bound(document.at(member.name), member.value);
        if (value && value->find('\0') != value->npos)
            problem.errors.push_back({"body", "/" + member.name, "must not contain NUL"});
        values[static_cast<std::size_t>(found - properties_.begin())] = std::move(value);
    }
    if (!problem.errors.empty()) return problem;
    return values;
}

}  // namespace sluice::endpoints
