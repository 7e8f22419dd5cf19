#include "sql/select_list.hpp"

#include "sql/scanner.hpp"
#include "sql/words.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace sluice::sql {
namespace {

constexpr std::string_view nameless = "?column?";

using Tokens = std::vector<SqlToken>;

/// Those outside of all parentheses; a pair of them, with what is in it, counts as its opening one.
Tokens outermost(std::string_view sql) {
    Tokens outer;
    std::size_t depth = 0;
    for (auto& token : sql_tokens(sql)) {
        const bool closes = token.text == ")" || token.text == "]";
        if (closes && depth > 0) --depth;
        if (depth == 0 && !closes) outer.push_back(token);
        if (token.text == "(" || token.text == "[") ++depth;
    }
    return outer;
}

bool ends_list(const SqlToken& token) {
    return is_any(token.text, {"from", "into", "where", "group", "having", "window", "union", "intersect", "except", "order",
                               "limit", "offset", "fetch", "for", ";"});
}

Tokens::const_iterator behind_distinct(Tokens::const_iterator at, Tokens::const_iterator end) {
    if (at != end && at->text == "all") return at + 1;
    if (at == end || at->text != "distinct") return at;
    ++at;
    if (at == end || at->text != "on") return at;
    return std::min(at + 2, end);  // and its parentheses
}

/// The item that gives column `column` of `columns`.
std::optional<std::size_t> item_of(const std::vector<SelectItem>& items, std::size_t column, std::size_t columns) {
    const auto star = [](const SelectItem& item) { return item.star; };
    const auto first = static_cast<std::size_t>(std::find_if(items.begin(), items.end(), star) - items.begin());
    if (column < first) return column < items.size() ? std::optional{column} : std::nullopt;
    if (first == items.size()) return std::nullopt;
    const auto behind_last = static_cast<std::size_t>(std::find_if(items.rbegin(), items.rend(), star) - items.rbegin());
    const auto from_end = columns - 1 - column;
    return from_end < behind_last ? items.size() - 1 - from_end : first;
}

}  // namespace

std::vector<SelectItem> select_list(std::string_view sql) {
    const auto tokens = outermost(sql);
    const auto opens = [](const SqlToken& token) { return is_any(token.text, {"select", "returning"}); };
    const auto modifies = std::find_if(tokens.begin(), tokens.end(), [](const SqlToken& token) {
        return is_any(token.text, {"select", "insert", "update", "delete", "merge"});
    });
    if (modifies == tokens.end()) return {};
    // What an `insert` selects is not what it returns.
    const bool selects = modifies->text == "select";
    auto at = selects
                  ? modifies
                  : std::find_if(modifies, tokens.end(), [](const SqlToken& token) { return token.text == "returning"; });
    if (at == tokens.end() || !opens(*at)) return {};
    at = behind_distinct(at + 1, tokens.end());
    std::vector<SelectItem> items;
    bool begins = true;
    for (; at != tokens.end(); ++at) {
        const bool compares = at->text == "from" && (at - 1)->text == "distinct" && !begins;
        if (ends_list(*at) && !compares) break;
        if (at->text == ",") {
            begins = true;
        } else if (std::exchange(begins, false)) {
            items.push_back({at->offset, at->text == "*"});
        } else if (at->text == "*" && (at - 1)->text == ".") {
            items.back().star = true;
        }
    }
    return items;
}

std::vector<ColumnMistake> column_mistakes(std::string_view sql, std::span<const std::string> names) {
    std::vector<ColumnMistake> mistakes;
    const auto items = select_list(sql);
    const auto offset_of = [&](std::size_t column) -> std::optional<std::size_t> {
        const auto item = item_of(items, column, names.size());
        return item ? std::optional{items[*item].offset} : std::nullopt;
    };
    std::map<std::string_view, unsigned> seen;
    for (std::size_t column = 0; column < names.size(); ++column) {
        const auto& name = names[column];
        if (name == nameless) {
            mistakes.push_back(
                {"column " + std::to_string(column + 1) + " has no name: write `as name` behind it", offset_of(column)});
        } else if (seen[name]++ == 1) {  // once for each name
            mistakes.push_back({"two columns are called '" + name +
                                    "', and an object has each name once: leave one out, or write `as name` behind it",
                                offset_of(column)});
        }
    }
    return mistakes;
}

}  // namespace sluice::sql
