#include "app/route_notes.hpp"

#include "policy/tag_template.hpp"
#include "sql/scanner.hpp"

#include <algorithm>
#include <set>

namespace sluice::app {
namespace {

/// What a tag begins with, whatever its values are: tags that differ here never meet.
std::string beginning(const std::string& tag) { return policy::TagTemplate{tag}.literals().front(); }

bool may_meet(const std::string& one, const std::string& other) {
    const auto a = beginning(one);
    const auto b = beginning(other);
    return a.starts_with(b) || b.starts_with(a);
}

bool any_meets(const std::vector<std::string>& tags, const std::string& tag) {
    return std::any_of(tags.begin(), tags.end(), [&](const std::string& other) { return may_meet(other, tag); });
}

class Notes {
public:
    explicit Notes(const Settings& settings) : settings_{settings} {
        for (const auto& route : settings.routes) {
            if (const auto* sql = route.sql_if())
                invalidated_.insert(invalidated_.end(), sql->invalidates.begin(), sql->invalidates.end());
            if (route.cache) carried_.insert(carried_.end(), route.cache->tags.begin(), route.cache->tags.end());
        }
        for (const auto& table : settings.tables) {
            invalidated_.insert(invalidated_.end(), table.tags.begin(), table.tags.end());
            invalidated_.push_back(table.own_tag());
        }
    }

    std::vector<std::string> take() {
        for (const auto& route : settings_.routes) {
            look_at_path(route);
            look_at_parameters(route);
            look_at_tags(route);
        }
        return std::move(notes_);
    }

private:
    void add(const RouteSettings& route, const std::string& text) {
        notes_.push_back(to_string(route.location) + ": " + std::string{to_string(route.method)} + ' ' + route.pattern +
                         ": " + text);
    }

    void look_at_path(const RouteSettings& route) {
        for (auto at = route.pattern.find("/:"); at != route.pattern.npos; at = route.pattern.find("/:", at + 1)) {
            const auto segment = route.pattern.substr(at + 1, route.pattern.find('/', at + 1) - at - 1);
            add(route, "the segment '" + segment + "' stands for itself; a parameter is '{" + segment.substr(1) + "}'");
        }
    }

    void look_at_parameters(const RouteSettings& route) {
        const auto* sql = route.sql_if();
        if (sql == nullptr) return;
        const auto scanned = sql::scan_sql(sql->text);
        if (!scanned) return;
        const std::set<std::string> used{scanned->occurrences.begin(), scanned->occurrences.end()};
        for (std::size_t at = route.pattern.find('{'); at != route.pattern.npos; at = route.pattern.find('{', at + 1)) {
            const auto name = route.pattern.substr(at + 1, route.pattern.find('}', at) - at - 1);
            if (used.contains(name)) continue;
            const bool quoted = sql->text.find(':' + name) != sql->text.npos;
            add(route, "the SQL does not use ':" + name + "', which is in the path" +
                           (quoted ? "; in quotes or a comment it is no parameter" : ""));
        }
    }

    void look_at_tags(const RouteSettings& route) {
        if (route.cache) {
            for (const auto& tag : route.cache->tags) {
                if (!any_meets(invalidated_, tag))
                    add(route,
                        "no route and no table invalidates the tag '" + tag + "': only its ttl and purges end a copy");
            }
        }
        if (route.sql_if() == nullptr) return;
        for (const auto& tag : route.sql().invalidates) {
            if (!any_meets(carried_, tag)) add(route, "no cached route carries the tag '" + tag + "' that it invalidates");
        }
    }

    const Settings& settings_;
    std::vector<std::string> invalidated_;
    std::vector<std::string> carried_;
    std::vector<std::string> notes_;
};

}  // namespace

std::vector<std::string> notes_on(const Settings& settings) { return Notes{settings}.take(); }

}  // namespace sluice::app
