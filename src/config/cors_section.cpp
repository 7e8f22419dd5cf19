#include "config/cors_section.hpp"

#include "config/header_fields.hpp"
#include "config/section.hpp"
#include "policy/allowed_origins.hpp"
#include "sluice/request.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;

bool holds_star(const std::vector<std::string>& texts) { return std::find(texts.begin(), texts.end(), "*") != texts.end(); }

std::vector<std::string> read_origins(Section& section) {
    std::vector<std::string> origins;
    for (const auto* item : section.list("origins")) {
        if (item->text.empty()) continue;
        if (item->text == "*") {
            origins.emplace_back("*");
        } else if (const auto pattern = policy::OriginPattern::parse(item->text)) {
            origins.push_back(pattern->text());
        } else {
            section.fail(*item, describe(*item) + " is no origin: " + pattern.error());
        }
    }
    if (origins.size() > 1 && holds_star(origins))
        section.fail(*section.find("origins"), "'*' stands for every origin: leave the others out");
    return origins;
}

std::vector<std::string> read_methods(Section& section) {
    std::vector<std::string> methods;
    for (const auto* item : section.list("methods")) {
        if (method_from(item->text))
            methods.push_back(item->text);
        else
            section.fail(*item, "a method must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, not " + describe(*item));
    }
    return methods;
}

/// With credentials the Fetch standard takes `*` for a name like any other.
void check_credentials(Section& section, const CorsSettings& cors) {
    if (!cors.credentials) return;
    if (holds_star(cors.origins)) {
        section.fail(*section.find("credentials"),
                     "'credentials' would let every site act for its visitors where 'origins' is '*'; list the origins");
    }
    for (const auto& [key, names] : {std::pair{"headers", &cors.headers}, std::pair{"expose", &cors.expose}}) {
        if (!holds_star(*names)) continue;
        section.fail(*section.find(key),
                     "'*' means nothing in '" + std::string{key} + "' with 'credentials'; list the names");
    }
}

}  // namespace

std::optional<CorsSettings> read_cors(const Member& member, Mistakes& mistakes) {
    CorsSettings cors;
    Section section{member.value, "'cors'", mistakes};
    section.require("origins", "'cors' needs 'origins', such as [\"https://app.example.com\"]");
    cors.origins = read_origins(section);
    cors.methods = read_methods(section);
    if (section.has("headers")) cors.headers = read_field_names(section, "headers");
    if (section.has("expose")) cors.expose = read_field_names(section, "expose");
    assign(cors.credentials, section.flag("credentials"));
    if (const auto max_age = section.duration("max_age", 0ms)) {
        cors.max_age = std::chrono::duration_cast<std::chrono::seconds>(*max_age);
        if (cors.max_age != *max_age) section.fail(*section.find("max_age"), "'max_age' must be whole seconds");
    }
    check_credentials(section, cors);
    section.finish(member.location);
    if (cors.origins.empty()) return std::nullopt;
    return cors;
}

}  // namespace sluice::config
