#include "endpoints/route_statement.hpp"

#include "endpoints/answer_fields.hpp"
#include "endpoints/page.hpp"
#include "endpoints/request_values.hpp"
#include "policy/tag_template.hpp"

#include <algorithm>

namespace sluice::endpoints {
namespace {

/// Each once. A parameter's name is among them: without a value, the column of that name stands in.
std::vector<std::string> names_in(const std::vector<std::string>& templates) {
    std::vector<std::string> names;
    for (const auto& text : templates) {
        const policy::TagTemplate tag{text};
        for (const auto& name : tag.names()) {
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        }
    }
    return names;
}

}  // namespace

StatementSpec statement_of(const RouteSettings& route) {
    StatementSpec spec;
    spec.name = std::string{to_string(route.method)} + " " + route.pattern;
    spec.sql = route.sql().text;
    spec.result = route.sql().result;
    spec.read_only = route.method == Method::get;
    spec.on_primary = route.sql().on_primary;
    spec.collapse = route.sql().collapse;
    spec.versioned = spec.read_only && route.etag == EtagMode::version;
    spec.labelled = route.cache && !route.cache->tags.empty();
    for (auto& value : values_of(route)) {
        spec.parameters.push_back(std::move(value.name));
        spec.parameter_types.push_back(value.type);
    }
    if (route.sql().page) spec.page_by = orders_of(*route.sql().page).at(route.sql().page->default_order).by;
    if (!spec.read_only && spec.result != ResultShape::none) spec.tag_columns = names_in(route.sql().invalidates);
    if (spec.result == ResultShape::one) {
        const AnswerFields fields{route};
        for (const auto& needed : fields.needed()) spec.needed_columns.push_back(needed.column);
    }
    return spec;
}

RouteSettings with_source(const RouteSettings& route, RouteKind kind) {
    auto other = route;
    other.kind = std::move(kind);
    other.fallbacks.clear();
    other.cache.reset();
    other.headers.clear();
    other.etag = EtagMode::off;
    return other;
}

std::vector<StatementSpec> statements_of(const RouteSettings& route) {
    std::vector<StatementSpec> statements{statement_of(route)};
    if (!route.sql().page) return statements;
    const auto orders = orders_of(*route.sql().page);
    statements.resize(orders.size(), statements.front());
    for (std::size_t i = 0; i < orders.size(); ++i) statements[i].page_by = orders[i].by;
    return statements;
}

}  // namespace sluice::endpoints
