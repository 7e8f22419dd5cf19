#include "endpoints/page.hpp"

#include "cache/cached_value.hpp"
#include "endpoints/cache_key.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace sluice::endpoints {
namespace {

constexpr std::string_view before_cursor = ",\"next\":\"";
constexpr std::string_view after_cursor = "\"}";

std::string identity_of(const RouteSettings& route, const PageOrder& order) {
    auto identity = std::string{to_string(route.method)} + ' ' + route.pattern;
    for (const auto& column : order.by) {
        identity.append(1, '\0').append(column.name).append(column.descending ? " desc" : "");
    }
    if (!order.name.empty()) identity.append("\0order ", 7).append(order.name);
    return identity;
}

}  // namespace

std::vector<ParameterSettings> query_and_path_parameters(const RouteSettings& route) {
    auto parameters = route.parameters;
    if (!route.sql_if() || !route.sql().page) return parameters;
    if (!route.sql().page->orders.empty()) {
        ParameterSettings order;  // without a default: a cursor has its own
        order.name = "order";
        for (const auto& one : route.sql().page->orders) order.enumeration.push_back(one.name);
        order.location = route.sql().page->location;
        parameters.push_back(std::move(order));
    }
    ParameterSettings limit;
    limit.name = "limit";
    limit.type = ParameterType::integer;
    limit.minimum = "1";
    limit.maximum = std::to_string(route.sql().page->max);
    limit.default_value = std::to_string(route.sql().page->size);
    limit.location = route.sql().page->location;
    parameters.push_back(std::move(limit));
    ParameterSettings cursor;
    cursor.name = "cursor";
    cursor.max_length = Page::longest_cursor;
    cursor.location = route.sql().page->location;
    parameters.push_back(std::move(cursor));
    return parameters;
}

std::vector<PageOrder> orders_of(const PageSettings& page) {
    return page.orders.empty() ? std::vector{PageOrder{"", page.by}} : page.orders;
}

Page::Page(const RouteSettings& route, const std::vector<std::string>& key_secrets)
    : orders_{orders_of(*route.sql().page)},
      default_{route.sql().page->default_order},
      declared_{route.parameters.size()},
      limit_{declared_ + (has_choice() ? 1 : 0)},
      cursors_{"cursor", key_secrets} {
    if (key_secrets.empty()) throw std::invalid_argument{"'page' needs 'auth.key_secrets': they sign its cursors"};
    for (const auto& order : orders_) {
        if (order.by.empty()) throw std::invalid_argument{"'page' needs 'by', the columns that order the rows"};
        identities_.push_back(identity_of(route, order));
    }
    if (default_ >= orders_.size()) throw std::invalid_argument{"a page's default is none of its orders"};
    if (route.sql().page->size < 1 || route.sql().page->size > route.sql().page->max) {
        throw std::invalid_argument{"a page's 'size' must be from 1 to its 'max'"};
    }
}

// Lengths keep values apart, whatever they hold.
std::string Page::digest(const Values& values, std::size_t order) const {
    auto bound = identities_[order];
    for (std::size_t i = 0; i < declared_; ++i) {
        bound.append(1, '\0');
        if (values[i]) bound.append(std::to_string(values[i]->size())).append(1, ':').append(*values[i]);
    }
    return cache::strong_etag(bound);
}

std::size_t Page::order(const Values& values) const noexcept {
    if (!has_choice() || !values[declared_]) return default_;
    const auto named = [&](const PageOrder& order) { return order.name == *values[declared_]; };
    return static_cast<std::size_t>(std::find_if(orders_.begin(), orders_.end(), named) - orders_.begin());
}

/// The row's key that a cursor holds, if it was made for these.
std::optional<std::string> Page::key_in(const std::string& cursor, const Values& values, std::size_t order) const {
    const auto payload = cursors_.open(cursor);
    const auto bound_to = digest(values, order);
    if (!payload || !payload->starts_with(bound_to)) return std::nullopt;
    return std::string{payload->substr(bound_to.size())};
}

void Page::settle_order(Values& values) const {
    if (!has_choice() || values[declared_]) return;
    auto chosen = default_;
    if (const auto& cursor = values[limit_ + 1]) {
        for (std::size_t i = 0; i < orders_.size(); ++i) {
            if (key_in(*cursor, values, i)) chosen = i;
        }
    }
    values[declared_] = orders_[chosen].name;
}

std::optional<PagePosition> Page::position(const Values& values) const {
    PagePosition page;
    const auto& limit = *values[limit_];
    std::from_chars(limit.data(), limit.data() + limit.size(), page.limit);
    const auto& cursor = values[limit_ + 1];
    if (!cursor) return page;
    const auto chosen = order(values);
    const auto text = key_in(*cursor, values, chosen);
    if (!text) return std::nullopt;
    const auto key = nlohmann::json::parse(*text, nullptr, false);
    if (!key.is_array() || key.size() != orders_[chosen].by.size()) return std::nullopt;
    page.after.reserve(key.size());
    for (const auto& value : key) {
        if (!value.is_string() && !value.is_null()) return std::nullopt;
        page.after.push_back(value.is_null() ? std::nullopt : std::optional{value.get<std::string>()});
    }
    return page;
}

std::string Page::mark() const {
    auto all = identities_[default_];
    for (const auto& identity : identities_) {
        if (has_choice()) all.append(1, '\0').append(identity);
    }
    return cursors_.sign(all);
}

std::string Page::behind_rows(const QueryResult& result, const Values& values) const {
    std::string cursor;
    if (result.last_key) {
        cursor = cursors_.sign(digest(values, order(values)) + *result.last_key);
        if (cursor.size() > longest_cursor) {
            throw std::length_error{"the columns that order the rows hold texts too long for a cursor"};
        }
    }
    if (!result.last_key) return ",\"next\":null}";
    return std::string{before_cursor}.append(cursor).append(after_cursor);
}

// A cursor holds no quotes, so that the last ones are its own.
std::optional<std::string_view> next_cursor(std::string_view envelope) noexcept {
    if (!envelope.ends_with(after_cursor)) return std::nullopt;
    envelope.remove_suffix(after_cursor.size());
    const auto begin = envelope.rfind(before_cursor);
    if (begin == envelope.npos) return std::nullopt;
    return envelope.substr(begin + before_cursor.size());
}

std::string next_link(const Exchange& exchange, std::string_view cursor) {
    return '<' + target_with(exchange, "cursor", cursor) + ">; rel=\"next\"";
}

}  // namespace sluice::endpoints
