#include "config/prefixed_names.hpp"
#include "config/text_places.hpp"

#include "endpoints/body_members.hpp"
#include "json/property_types.hpp"
#include "json/schema.hpp"
#include "sql/scanner.hpp"

#include <algorithm>
#include <array>

namespace sluice::config {
namespace {

bool is_small_or_digit(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

}  // namespace

std::string complaint_about_field(std::string_view name) {
    const auto quoted = "':" + std::string{name} + "'";
    const auto field = name.substr(ParameterSettings::header_prefix.size());
    std::string lower{field};
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (lower != field) {
        return quoted +
               ": fields of the request are named in lower case, write ':" + std::string{ParameterSettings::header_prefix} +
               lower + "'";
    }
    bool behind_hyphen = true;
    for (const char c : field) {
        if (!is_small_or_digit(c) && (c != '-' || behind_hyphen)) return quoted + " is no name of a request's field";
        behind_hyphen = c == '-';
    }
    if (behind_hyphen) return quoted + " is no name of a request's field";
    constexpr std::array<std::string_view, 4> credentials{"authorization", "proxy-authorization", "cookie", "x-api-key"};
    if (std::find(credentials.begin(), credentials.end(), field) != credentials.end()) {
        return quoted + " holds credentials, which no SQL reads: ':key_id', ':sub' and ':claims' say who asks";
    }
    return {};
}

bool is_body_member(const RouteSettings& route, std::string_view name) {
    const auto path = endpoints::body_path(name);
    return path && route.body_schema && json::declares(json::read_schema(*route.body_schema), *path);
}

std::vector<std::string> read_prefixed_names(const Document& document, const Node& sql, RouteSettings& route,
                                             bool body_is_certain, Mistakes& mistakes) {
    std::vector<std::string> names;
    for (const auto& property : route.body_properties) names.push_back("body." + property);
    const auto scanned = sql::scan_sql(sql.text);
    if (!scanned) return names;
    for (std::size_t k = 0; k < scanned->occurrences.size(); ++k) {
        const auto& name = scanned->occurrences[k];
        const auto place = locate(document, sql, scanned->offsets[k]);
        if (name.starts_with(ParameterSettings::header_prefix)) {
            const auto same = [&](const ParameterSettings& parameter) { return parameter.name == name; };
            if (std::any_of(route.parameters.begin(), route.parameters.end(), same)) continue;
            names.push_back(name);
            if (const auto wrong = complaint_about_field(name); !wrong.empty()) {
                mistakes.add(place, wrong);
                continue;
            }
            ParameterSettings field;
            field.name = name;
            field.location = place;
            field.in_header = true;
            route.parameters.push_back(std::move(field));
        } else if (endpoints::body_path(name)) {
            if (!route.body_schema && body_is_certain) mistakes.add(place, "':" + name + "' needs a 'body:' schema");
            if (!route.body_schema || is_body_member(route, name)) names.push_back(name);
        }
    }
    return names;
}

}  // namespace sluice::config
