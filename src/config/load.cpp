#include "config/load.hpp"

#include "config/error_rules.hpp"
#include "config/hidden_values.hpp"
#include "config/include_files.hpp"
#include "config/route_section.hpp"
#include "config/section.hpp"
#include "config/sections.hpp"
#include "config/services.hpp"
#include "config/upstream_section.hpp"
#include "config/yaml_reader.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <system_error>

namespace sluice::config {
namespace {

std::optional<std::string> read_text(const std::filesystem::path& file, std::string& why) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) {
        why = "it is a directory";
        return std::nullopt;
    }
    errno = 0;
    std::ifstream stream{file, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{stream}, {}};
    if (stream && !stream.bad()) return text;
    why = errno ? std::generic_category().message(errno) : "reading failed";
    return std::nullopt;
}

class Loader {
public:
    explicit Loader(const Environment& environment) : environment_{environment} {}

    Settings run(const std::filesystem::path& file) {
        std::string why;
        const auto text = read_text(file, why);
        if (!text) throw ConfigurationError{{{{}, "cannot read '" + file.string() + "': " + why}}};
        if (const auto document = parse(*text, file.string())) read_main(*document, file);
        if (!mistakes_.empty()) throw ConfigurationError{mistakes_.sorted()};
        add_table_tags(settings_);
        return std::move(settings_);
    }

private:
    std::optional<Document> parse(const std::string& text, const std::string& name) {
        mistakes_.begin_file(name);
        auto document = read_yaml(text, name, mistakes_);
        if (!document) return document;
        expand_environment(document->root, environment_, mistakes_);
        hide_values(document->root, mistakes_);
        return document;
    }

    void read_main(const Document& document, const std::filesystem::path& file) {
        Section section{document.root, "the configuration", mistakes_};
        if (const auto* node = section.find("server")) settings_.server = read_server(*node, mistakes_);
        if (const auto* node = section.find("log")) settings_.log = read_log(*node, mistakes_);
        if (const auto* node = section.find("postgres")) settings_.postgres = read_postgres(*node, mistakes_);
        if (const auto* node = section.find("redis")) settings_.redis = read_redis(*node, mistakes_);
        if (const auto* node = section.find("cache")) settings_.cache = read_cache(*node, mistakes_);
        if (const auto* node = section.find("upstreams"))
            settings_.upstreams = read_upstreams(*node, file.parent_path(), mistakes_);
        if (const auto* node = section.find("tables")) settings_.tables = read_tables(*node, mistakes_);
        const auto* auth = section.find("auth");
        if (auth) settings_.auth = read_auth(*auth, file.parent_path(), mistakes_);
        const auto* rate_limit = section.find("rate_limit");
        if (rate_limit) settings_.rate_limit = read_rate_limit(*rate_limit, mistakes_);
        if (const auto* node = section.find("tiers")) read_tiers(*node, settings_.tiers, mistakes_);
        read_consistency(section);
        if (auth) check_default_tier(*auth, settings_, mistakes_);
        if (rate_limit) check_address_tiers(*rate_limit, settings_, mistakes_);
        const auto* routes = section.find("routes");
        if (routes) read_routes(*routes, document);
        for (const auto* pattern : section.list("include")) include(*pattern, file);
        const auto errors = read_error_rules(section);
        for (auto& route : settings_.routes) {
            if (route.sql_if()) add_defaults(route.sql().errors, errors);
        }
        read_envelope(section);
        check_services(settings_, mistakes_);
        if (needs_postgres(settings_) && !section.has("postgres")) {
            section.require("postgres", "the routes' SQL needs 'postgres' with a 'primary'");
        }
        if (!settings_.tables.empty() && !section.has("postgres")) {
            section.require("postgres", "'tables' needs 'postgres' with a 'primary'");
        }
        allow_extensions(section, document.root);
        section.finish(settings_.routes.empty() ? section.location() : settings_.routes.front().location);
    }

    // The tokens are signed, so that no client can make one up.
    void read_consistency(Section& section) {
        const auto mode = section.choice<ConsistencyMode>(
            "consistency",
            {{"off", ConsistencyMode::off}, {"header", ConsistencyMode::header}, {"cookie", ConsistencyMode::cookie}});
        assign(settings_.consistency, mode);
        if (!settings_.auth.key_secrets.empty()) return;
        if (mode && *mode != ConsistencyMode::off && mistakes_.empty()) {
            section.fail(*section.find("consistency"), "'consistency' needs 'auth.key_secrets' to sign its tokens");
        }
        settings_.consistency = ConsistencyMode::off;
    }

    // For the routes that do not say it themselves; those with pages keep theirs, which holds the cursor.
    void read_envelope(Section& section) {
        const auto envelope = section.choice<bool>("envelope", {{"on", true}, {"off", false}});
        if (envelope.value_or(true)) return;
        for (auto& route : settings_.routes)
            route.envelope = route.envelope.value_or(route.sql_if() && route.sql_if()->page);
    }

    // `x-…` at the top is a place for anchors; nothing reads it.
    static void allow_extensions(Section& section, const Node& root) {
        for (const auto& member : root.members) {
            if (member.name.starts_with("x-")) section.find(member.name);
        }
    }

    void include(const Node& pattern, const std::filesystem::path& main_file) {
        const auto files = matching_files(main_file, pattern.text);
        if (files.empty()) return mistakes_.add(pattern.location, "no file matches " + describe(pattern));
        for (const auto& file : files) {
            if (!included_.insert(file).second) continue;
            std::string why;
            const auto text = read_text(file, why);
            if (!text) {
                mistakes_.add(pattern.location, "cannot read '" + file.string() + "': " + why);
                continue;
            }
            if (const auto document = parse(*text, file.string())) read_included(*document);
        }
    }

    void read_included(const Document& document) {
        Section section{document.root, "an included file", mistakes_};
        if (const auto* routes = section.find("routes")) read_routes(*routes, document);
        for (const auto& member : document.root.members) {
            if (member.name == "routes" || member.name.starts_with("x-")) continue;
            mistakes_.add(member.location, "an included file holds only 'routes', not '" + member.name + "'");
        }
    }

    void read_routes(const Node& node, const Document& document) {
        const Section section{node, "'routes'", mistakes_};
        for (const auto& member : node.members) {
            auto route = read_route(member, document, mistakes_);
            if (!route) continue;
            const auto [first, added] = shapes_.try_emplace(route->shape, member.name, member.location);
            if (!added) {
                const auto& [name, place] = first->second;
                mistakes_.add(member.location, "the route '" + member.name + "' matches the same requests as '" + name +
                                                   "' at " + to_string(place));
            }
            settings_.routes.push_back(std::move(route->settings));
        }
    }

    const Environment& environment_;
    Mistakes mistakes_;
    Settings settings_;
    std::map<std::string, std::pair<std::string, SourceLocation>> shapes_;  // shape → the first route of it and its place
    std::set<std::filesystem::path> included_;
};

}  // namespace

Settings load(const std::filesystem::path& file, const Environment& environment) { return Loader{environment}.run(file); }

}  // namespace sluice::config

namespace sluice {

Settings load_settings(const std::filesystem::path& file) { return config::load(file, config::process_environment); }

}  // namespace sluice
