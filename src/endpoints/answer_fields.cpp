#include "endpoints/answer_fields.hpp"

#include "endpoints/body_members.hpp"
#include "endpoints/page.hpp"
#include "json/row_member.hpp"
#include "policy/percent_encoding.hpp"
#include "sluice/request.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace sluice::endpoints {
namespace {

/// Their values are URIs, or hold some.
bool holds_uri(std::string_view name) {
    constexpr std::array<std::string_view, 4> fields{"Location", "Content-Location", "Link", "Refresh"};
    return std::any_of(fields.begin(), fields.end(), [&](auto one) { return equal_ignoring_case(one, name); });
}

/// Printable ASCII, and the percent sign by which the others are told.
bool stays_in_text(char c) noexcept { return c >= ' ' && c < '\x7f' && c != '%'; }

std::string encoded(std::string_view value, bool uri) {
    std::string text;
    for (const char c : value) {
        if (uri ? policy::is_unreserved(c) : stays_in_text(c))
            text += c;
        else
            policy::append_percent_encoded(text, c);
    }
    return text;
}

/// Of a member: a string's text, all else as it stands; nothing if it is null.
std::optional<std::string> text_of(std::string_view json) {
    if (json == "null") return std::nullopt;
    if (!json.starts_with('"')) return std::string{json};
    const auto parsed = nlohmann::json::parse(json, nullptr, false);
    return parsed.is_string() ? std::optional{parsed.get<std::string>()} : std::nullopt;
}

}  // namespace

AnswerFields::AnswerFields(const RouteSettings& route) : has_row_{route.sql_if() && route.sql().result == ResultShape::one} {
    for (const auto& parameter : query_and_path_parameters(route)) names_.push_back(parameter.name);
    for (const auto& member : body_members(route)) names_.push_back(member.name);
    for (std::size_t i = 0; i < route.headers.size(); ++i) {
        const auto& field = route.headers[i];
        fields_.push_back({field.name, policy::TagTemplate{field.value}, holds_uri(field.name)});
        for (const auto& name : fields_.back().value.names()) {
            need_row_ = need_row_ || has_row_;
            if (std::find(names_.begin(), names_.end(), name) == names_.end()) needed_.push_back({name, i});
        }
    }
}

std::optional<std::string> AnswerFields::value_of(const std::string& name, const Values& values,
                                                  std::string_view row) const {
    if (const auto member = json::row_member(row, name)) return text_of(*member);
    const auto index = static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
    return index < names_.size() && index < values.size() ? values[index] : std::nullopt;
}

std::optional<std::string> AnswerFields::filled(const Field& field, const Values& values, std::string_view row) const {
    std::string text = field.value.literals().front();
    for (std::size_t i = 0; i < field.value.names().size(); ++i) {
        const auto value = value_of(field.value.names()[i], values, row);
        if (!value || (field.is_uri && (value->empty() || *value == "." || *value == ".."))) return std::nullopt;
        if (text.size() + value->size() > longest) return std::nullopt;
        text += encoded(*value, field.is_uri);
        text += field.value.literals()[i + 1];
    }
    if (text.size() > longest) return std::nullopt;
    return text;
}

void AnswerFields::add_to(HeaderBlock& headers, const Values& values, std::string_view row) const {
    for (const auto& field : fields_) {
        if (const auto text = filled(field, values, row)) headers.add(field.name, *text);
    }
}

}  // namespace sluice::endpoints
