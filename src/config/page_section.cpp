#include "config/page_section.hpp"

#include "config/route_key.hpp"
#include "config/suggestion.hpp"
#include "sluice/request.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

constexpr unsigned most_rows = 10'000;

// `population desc`, or `-population`. A column's name may hold spaces: only a last word that is a direction is one.
std::optional<SortColumn> read_column(const Node& node, const std::string& key, Section& section) {
    SortColumn column;
    column.location = node.location;
    auto text = trimmed(node.text);
    bool says_direction = false;
    const auto space = text.find_last_of(" \t");
    if (space != text.npos) {
        const auto word = text.substr(space + 1);
        if (word == "asc" || word == "desc") {
            says_direction = true;
            column.descending = word == "desc";
            text = trimmed(text.substr(0, space));
        } else if (const auto hint = suggestion(std::string{word}, {"desc", "asc"}); !hint.empty()) {
            section.fail(node, "the direction of " + describe(node) + " is 'asc' or 'desc'" + hint);
            return std::nullopt;
        }
    }
    if (text.starts_with('-') && says_direction) {
        section.fail(node, describe(node) + " says its direction twice: '-' is 'desc'");
        return std::nullopt;
    }
    if (text.starts_with('-')) {
        column.descending = true;
        text.remove_prefix(1);
    }
    if (text.empty() || text.find('\0') != text.npos) {
        section.fail(node, "'" + key + "' names columns of the result, such as 'population desc', unlike " + describe(node));
        return std::nullopt;
    }
    column.name = text;
    return column;
}

std::vector<SortColumn> read_columns(Section& section, const std::string& key) {
    std::vector<SortColumn> columns;
    const auto* by = section.find(key);
    if (!by) return columns;
    std::vector<const Node*> items;
    if (by->is(Node::Kind::scalar)) {
        items = {by};
    } else {
        items = section.list(key);
        if (by->is(Node::Kind::sequence) && by->items.empty()) section.fail(*by, "'" + key + "' is an empty list");
    }
    for (const auto* item : items) {
        auto column = read_column(*item, key, section);
        if (!column) continue;
        const auto same = [&](const SortColumn& other) { return other.name == column->name; };
        if (std::any_of(columns.begin(), columns.end(), same)) {
            section.fail(*item, "'" + key + "' names the column '" + column->name + "' twice");
            continue;
        }
        columns.push_back(std::move(*column));
    }
    return columns;
}

// `orders: { newest: [-created_at, -id], name: [name, id] }` and `default: newest`.
void read_orders(Section& section, PageSettings& page) {
    const auto* orders = section.find("orders");
    if (section.has("by")) section.fail(*section.find("by"), "'by' and 'orders' exclude each other");
    section.require("default", "'orders' needs 'default', the order where the client names none");
    if (!orders) return;
    Section own{*orders, "'orders'", section.mistakes()};
    std::vector<std::string> names;
    for (const auto& member : orders->members) {
        if (!is_parameter_name(member.name))
            section.mistakes().add(member.location,
                                   "an order's name has letters, digits and '_', unlike '" + member.name + "'");
        page.orders.push_back({member.name, read_columns(own, member.name)});
        names.push_back(member.name);
    }
    if (orders->is(Node::Kind::mapping) && names.empty()) section.fail(*orders, "'orders' is empty");
    const auto word = section.text("default");
    if (!word || names.empty()) return;
    const auto found = std::find(names.begin(), names.end(), *word);
    if (found == names.end()) {
        const auto& node = *section.find("default");
        section.fail(node, "'default' must be one of the orders, not " + describe(node) + suggestion(*word, names));
    }
    page.default_order = static_cast<std::size_t>(found - names.begin()) % names.size();
}

}  // namespace

std::optional<PageSettings> read_page(Section& section, const RouteSettings& route) {
    const auto* member = section.find_member("page");
    if (!member) return std::nullopt;
    auto& mistakes = section.mistakes();
    if (route.method != Method::get) {
        mistakes.add(member->location, "'page' is for GET");
        return std::nullopt;
    }
    if (route.sql().result != ResultShape::many) mistakes.add(member->location, "'page' needs 'result: many'");
    const auto* orders = member->value.find("orders");
    for (const auto& parameter : route.parameters) {
        const bool taken = parameter.name == "limit" || parameter.name == "cursor" || (orders && parameter.name == "order");
        if (!taken) continue;
        mistakes.add(parameter.location, "'page' adds the query parameter '" + parameter.name + "' itself");
    }
    PageSettings page;
    page.location = member->location;
    Section own{member->value, "'page'", mistakes};
    if (orders) {
        read_orders(own, page);
    } else {
        own.require("by", "'page' needs 'by', the columns that order its rows, or 'orders'");
        page.by = read_columns(own, "by");
    }
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
