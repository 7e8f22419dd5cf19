#include "endpoints/body_members.hpp"

#include "json/text_parts.hpp"

#include "policy/tag_template.hpp"
#include "sql/array_cast.hpp"
#include "sql/reserved_names.hpp"
#include "sql/scanner.hpp"

#include <algorithm>

namespace sluice::endpoints {
namespace {

constexpr std::string_view prefix = "body.";

/// The names that `:name` and `{name}` are resolved to before the body's properties.
bool means_something_else(const RouteSettings& route, std::string_view name) {
    return std::find(sql::reserved_names.begin(), sql::reserved_names.end(), name) != sql::reserved_names.end() ||
           std::any_of(route.parameters.begin(), route.parameters.end(),
                       [&](const ParameterSettings& parameter) { return parameter.name == name; });
}

/// Behind the opening quote at the front; a doubled quote stands for itself. Takes it off.
std::optional<std::string> take_quoted(std::string_view& text) {
    std::string name;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            if (i + 1 == text.size() || text[i + 1] != '"') {
                text.remove_prefix(i + 1);
                return name;
            }
            ++i;
        }
        name += text[i];
    }
    return std::nullopt;
}

auto find_named(const std::vector<BodyMember>& members, std::string_view name) {
    return std::find_if(members.begin(), members.end(), [&](const BodyMember& member) { return member.name == name; });
}

}  // namespace

std::optional<BodyPath> body_path(std::string_view name) {
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size() - 1);
    BodyPath path;
    while (name.starts_with('.')) {
        name.remove_prefix(1);
        if (name.starts_with('"')) {
            auto quoted = take_quoted(name);
            if (!quoted) return std::nullopt;
            path.push_back(std::move(*quoted));
        } else {
            const auto end = std::min(name.find('.'), name.size());
            if (end == 0) return std::nullopt;
            path.emplace_back(name.substr(0, end));
            name.remove_prefix(end);
        }
    }
    return name.empty() ? std::optional{std::move(path)} : std::nullopt;
}

std::vector<BodyMember> body_members(const RouteSettings& route) {
    std::vector<BodyMember> members;
    for (const auto& property : route.body_properties) {
        if (!means_something_else(route, property)) members.push_back({property, {property}, false});
    }
    const auto add = [&](const std::string& name) {
        auto path = body_path(name);
        if (path && find_named(members, name) == members.end()) members.push_back({name, std::move(*path), false});
    };
    if (const auto* upstream = std::get_if<UpstreamRoute>(&route.kind)) {
        for (const auto& name : json::names_of(upstream->call)) add(name);
    }
    if (route.sql_if() == nullptr) return members;
    if (const auto scanned = sql::scan_sql(route.sql().text)) {
        for (const auto& name : scanned->occurrences) add(name);
        for (std::size_t i = 0; i < scanned->occurrences.size(); ++i) {
            const auto& name = scanned->occurrences[i];
            if (!sql::is_cast_to_array(route.sql().text, scanned->offsets[i] + 1 + name.size())) continue;
            const auto plain = find_named(members, name);
            if (plain == members.end() || find_named(members, name + "[]") != members.end()) continue;
            BodyMember array{name + "[]", plain->path, true};
            members.push_back(std::move(array));
        }
    }
    for (const auto& tag : route.sql().invalidates) {
        const policy::TagTemplate read{tag};
        for (const auto& name : read.names()) add(name);
    }
    return members;
}

}  // namespace sluice::endpoints
