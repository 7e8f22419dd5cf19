#include "config/fallback_section.hpp"

#include "config/json_text.hpp"
#include "config/route_sql.hpp"
#include "config/section.hpp"
#include "config/text_places.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::config {
namespace {

SqlRoute read_statement(Section& section, const Document& document, const FallbackScope& scope) {
    SqlRoute sql;
    sql.result = scope.result;
    assign(sql.result, section.choice<ResultShape>("result", {{"one", ResultShape::one}, {"many", ResultShape::many}}));
    const auto text = section.text("sql");
    if (!text) return sql;
    const auto& node = *section.find("sql");
    sql.text = *text;
    sql.places = places_of(document, node);
    sql.location = locate(node.location, sql.places, *text, text->find_first_not_of(" \t\r\n"));
    if (const auto names = check_sql(document, node, NamesInScope{scope.names, false, true}, section.mistakes()))
        scope.used.insert(names->begin(), names->end());
    return sql;
}

Fallback read_one(const Node& node, const Document& document, const FallbackScope& scope, Mistakes& mistakes) {
    Fallback fallback;
    fallback.location = node.location;
    fallback.source = Fallback::Constant{"null"};
    Section section{node, "'fallback'", mistakes};
    constexpr std::array kinds{"sql", "upstream", "body"};
    if (std::count_if(kinds.begin(), kinds.end(), [&](const char* kind) { return section.has(kind); }) != 1)
        mistakes.add(node.location, "a fallback has one of 'sql', 'upstream' and 'body'");
    if (const auto* call = section.find("upstream")) fallback.source = read_upstream_call(*call, scope.complaint, mistakes);
    if (const auto* body = section.find("body")) fallback.source = Fallback::Constant{json_text(*body, mistakes)};
    if (section.has("sql")) fallback.source = read_statement(section, document, scope);
    section.finish();
    return fallback;
}

}  // namespace

std::vector<Fallback> read_fallbacks(const Node& node, const Document& document, const FallbackScope& scope,
                                     Mistakes& mistakes) {
    std::vector<Fallback> fallbacks;
    if (!node.is(Node::Kind::sequence)) return {read_one(node, document, scope, mistakes)};
    for (const auto& item : node.items) fallbacks.push_back(read_one(item, document, scope, mistakes));
    return fallbacks;
}

}  // namespace sluice::config
