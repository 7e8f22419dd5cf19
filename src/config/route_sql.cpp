#include "config/route_sql.hpp"

#include "config/route_key.hpp"
#include "config/suggestion.hpp"
#include "config/text_places.hpp"
#include "sql/reserved_names.hpp"
#include "sql/scanner.hpp"

#include <algorithm>

namespace sluice::config {

std::optional<std::set<std::string>> check_sql(const Document& document, const Node& sql, const NamesInScope& scope,
                                               Mistakes& mistakes) {
    const auto scanned = sql::scan_sql(sql.text);
    if (!scanned) {
        const auto& error = scanned.error();
        mistakes.add(locate(document, sql, error.offset), "SQL: " + error.message);
        return std::nullopt;
    }
    auto candidates = scope.names;
    for (const auto name : sql::reserved_names) {
        if (name != "body" || scope.has_body) candidates.emplace_back(name);
    }
    for (std::size_t k = 0; k < scanned->occurrences.size(); ++k) {
        const auto& name = scanned->occurrences[k];
        if (!scope.complete || std::find(candidates.begin(), candidates.end(), name) != candidates.end()) continue;
        const auto place = locate(document, sql, scanned->offsets[k]);
        if (name == "body") {
            mistakes.add(place, "':body' needs a 'body:' schema");
        } else {
            mistakes.add(place, "unknown parameter ':" + name + "'" + suggestion(name, candidates, ":"));
        }
    }
    return std::set<std::string>{scanned->occurrences.begin(), scanned->occurrences.end()};
}

}  // namespace sluice::config
