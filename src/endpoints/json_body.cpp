#include "endpoints/json_body.hpp"

#include "endpoints/array_items.hpp"
#include "json/decimal.hpp"
#include "json/property_types.hpp"
#include "sluice/request.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>

namespace sluice::endpoints {
namespace {

json::PreparedSchema prepared(const std::string& schema) {
    auto prepared = json::prepare_schema(json::read_schema(schema));
    for (const auto& [place, message] : prepared.mistakes)
        throw std::invalid_argument{"the body's schema: '#" + place.to_string() + "' " + message};
    return prepared;
}

/// PostgreSQL's integer types take no `5.0` and no `50e-1`, which draft 7 calls integers.
std::optional<std::string> bound(const json::Json& value, std::string_view source, bool integer, bool as_array) {
    if (value.is_null()) return std::nullopt;
    if (as_array && value.is_array()) {
        if (auto literal = array_literal(value)) return literal;
    }
    if (value.is_string()) return value.get<std::string>();
    return integer && json::is_number(value) && !json::is_json_integer(source) ? json::number_text(value)
                                                                               : std::string{source};
}

/// The outermost object's members alone know where they stand in the text, so an inner object is read by itself.
std::optional<std::string> bound_at(const json::ExactJson& document, std::span<const std::string> path, bool integer,
                                    bool as_array) {
    if (!document.root.is_object()) return std::nullopt;
    const auto member = document.root.find(path.front());
    if (member == document.root.end()) return std::nullopt;
    const auto source = document.sources.at(&*member);
    if (path.size() == 1) return bound(*member, source, integer, as_array);
    if (!member->is_object()) return std::nullopt;
    const auto inner = json::read_exactly(source);
    const auto* const read = std::get_if<json::ExactJson>(&inner);
    return read != nullptr ? bound_at(*read, path.subspan(1), integer, as_array) : std::nullopt;
}

std::vector<BodyMember> as_members(const std::vector<std::string>& properties) {
    std::vector<BodyMember> members;
    for (const auto& name : properties) members.push_back({name, {name}, false});
    return members;
}

Problem no_fit() { return Problem::of(422, "The body does not match what this resource expects."); }

Problem unreadable(std::string reason) {
    const bool is_json = reason != json::no_json;
    Problem problem = Problem::of(400, is_json ? "The body goes beyond a limit." : "The body is not valid JSON.");
    problem.errors.push_back({"body", "", std::move(reason)});
    return problem;
}

Problem violated(std::vector<json::Violation> violations) {
    auto problem = no_fit();
    for (auto& [pointer, message] : violations) problem.errors.push_back({"body", std::move(pointer), std::move(message)});
    return problem;
}

}  // namespace

JsonBody::JsonBody(const std::string& schema, const std::vector<std::string>& properties)
    : JsonBody{as_members(properties), schema} {}

JsonBody::JsonBody(std::vector<BodyMember> members, const std::string& schema)
    : validator_{prepared(schema)}, members_{std::move(members)} {
    const auto document = json::read_schema(schema);
    integers_.reserve(members_.size());
    for (const auto& member : members_) integers_.push_back(json::property_types(document, member.path).integers_alone());
}

JsonBody::Read JsonBody::read(std::string_view bytes) const {
    return *read_within(bytes, json::whole_budget(bytes.size()), true);
}

std::optional<JsonBody::Read> JsonBody::read_at_once(std::string_view bytes) const {
    if (bytes.size() > largest_at_once) return std::nullopt;
    return read_within(bytes, json::budget_at_once, false);
}

/// Nothing if the budget does not suffice, unless that is final.
std::optional<JsonBody::Read> JsonBody::read_within(std::string_view bytes, json::StepBudget budget, bool final) const {
    auto read = json::read_exactly(bytes);
    if (auto* wrong = std::get_if<std::string>(&read)) return unreadable(std::move(*wrong));
    const auto& document = std::get<json::ExactJson>(read);
    auto verdict = validator_.judge(document.root, budget);
    if (verdict.exhausted && !final) return std::nullopt;
    if (!verdict.violations.empty()) return violated(std::move(verdict.violations));
    return bind(document);
}

JsonBody::Read JsonBody::bind(const json::ExactJson& document) const {
    Values values(members_.size());
    auto problem = no_fit();
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = bound_at(document, members_[i].path, integers_[i], members_[i].as_array);
        if (!values[i] || values[i]->find('\0') == values[i]->npos) continue;
        json::Json::json_pointer place;
        for (const auto& name : members_[i].path) place /= name;
        problem.errors.push_back({"body", place.to_string(), "must not contain NUL"});
    }
    if (!problem.errors.empty()) return problem;
    return values;
}

bool is_json_media_type(std::string_view content_type) noexcept {
    auto type = content_type.substr(0, content_type.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
    if (equal_ignoring_case(type, "application/json")) return true;
    constexpr std::string_view suffix = "+json";
    return type.size() > suffix.size() && equal_ignoring_case(type.substr(type.size() - suffix.size()), suffix);
}

}  // namespace sluice::endpoints
