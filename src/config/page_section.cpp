#include "config/page_section.hpp"

#include "config/suggestion.hpp"
#include "sluice/request.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

constexpr unsigned most_rows = 10'000;

// `population desc`. A column's name may hold spaces: only a last word that is a direction is one.
std::optional<SortColumn> read_column(const Node& node, Section& section) {
    SortColumn column;
    column.location = node.location;
    auto text = trimmed(node.text);
    const auto space = text.find_last_of(" \t");
    if (space != text.npos) {
        const auto word = text.substr(space + 1);
        if (word == "asc" || word == "desc") {
            column.descending = word == "desc";
            text = trimmed(text.substr(0, space));
        } else if (const auto hint = suggestion(std::string{word}, {"desc", "asc"}); !hint.empty()) {
            section.fail(node, "the direction of " + describe(node) + " is 'asc' or 'desc'" + hint);
            return std::nullopt;
        }
    }
    if (text.empty() || text.find('\0') != text.npos) {
        section.fail(node, "'by' names columns of the result, such as 'population desc', unlike " + describe(node));
        return std::nullopt;
    }
    column.name = text;
    return column;
}

void read_columns(Section& section, PageSettings& page) {
    section.require("by", "'page' needs 'by', the columns that order its rows");
    const auto* by = section.find("by");
    if (!by) return;
    std::vector<const Node*> items;
    if (by->is(Node::Kind::scalar)) {
        items = {by};
    } else {
        items = section.list("by");
        if (by->is(Node::Kind::sequence) && by->items.empty()) section.fail(*by, "'by' is an empty list");
    }
    for (const auto* item : items) {
        auto column = read_column(*item, section);
        if (!column) continue;
        const auto same = [&](const SortColumn& other) { return other.name == column->name; };
        if (std::any_of(page.by.begin(), page.by.end(), same)) {
            section.fail(*item, "'by' names the column '" + column->name + "' twice");
            continue;
        }
        page.by.push_back(std::move(*column));
    }
}

}  // namespace

std::optional<PageSettings> read_page(Section& section, const SqlRouteSettings& route) {
    const auto* member = section.find_member("page");
    if (!member) return std::nullopt;
    auto& mistakes = section.mistakes();
    if (route.method != Method::get) {
        mistakes.add(member->location, "'page' is for GET");
        return std::nullopt;
    }
    if (route.result != ResultShape::many) mistakes.add(member->location, "'page' needs 'result: many'");
    for (const auto& parameter : route.parameters) {
        if (parameter.name != "limit" && parameter.name != "cursor") continue;
        mistakes.add(parameter.location, "'page' adds the query parameter '" + parameter.name + "' itself");
    }
    PageSettings page;
    page.location = member->location;
    Section own{member->value, "'page'", mistakes};
    read_columns(own, page);
    assign(page.size, own.count("size", 1, most_rows));
    page.max = std::max(page.max, page.size);
    assign(page.max, own.count("max", 1, most_rows));
    if (page.size > page.max) {
        const auto* max = own.find("max");
        own.fail(*max, "'max' must be at least 'size', which is " + std::to_string(page.size));
    }
    own.finish(member->location);
    return page;
}

}  // namespace sluice::config
