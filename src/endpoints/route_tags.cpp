#include "endpoints/route_tags.hpp"

#include "endpoints/decimal.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>

namespace sluice::endpoints {
namespace {

bool is_uuid(std::string_view text) {
    constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    return text.size() == form.size() && std::equal(text.begin(), text.end(), form.begin(), [](char c, char kind) {
               return kind == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
           });
}

/// One spelling for one number or UUID, so that `-0`, `5.0` and `5` are the same tag. `sluice.tag_text` does the same.
std::string canonical_scalar(const std::string& text) {
    if (is_json_number(text)) return canonical_number(text);
    if (!is_uuid(text)) return text;
    auto lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lower;
}

/// A JSON scalar as the text that a tag holds.
std::optional<std::string> tag_text(const nlohmann::json& value) {
    if (value.is_null()) return std::nullopt;
    return value.is_string() ? value.get<std::string>() : canonical_scalar(value.dump());
}

std::optional<std::string> value_of(std::string_view name, const StatementSpec& statement,
                                    const std::vector<std::optional<std::string>>& values) {
    const auto found = std::find(statement.parameters.begin(), statement.parameters.end(), name);
    if (found == statement.parameters.end()) return std::nullopt;
    return values[static_cast<std::size_t>(found - statement.parameters.begin())];
}

}  // namespace

std::vector<std::string> fill_tags(const std::vector<policy::TagTemplate>& templates, const StatementSpec& statement,
                                   const std::vector<std::optional<std::string>>& values, std::string_view first_row) {
    const auto row = first_row.empty() ? nlohmann::json{} : nlohmann::json::parse(first_row, nullptr, false);
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
        if (auto value = value_of(name, statement, values)) return canonical_scalar(*value);
        const auto column = row.is_object() ? row.find(name) : row.end();
        return column == row.end() ? std::nullopt : tag_text(*column);
    };
    std::vector<std::string> filled;
    for (const auto& one : templates) {
        if (auto tag = one.fill(lookup)) filled.push_back(std::move(*tag));
    }
    return filled;
}

}  // namespace sluice::endpoints
