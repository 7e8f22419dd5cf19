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

std::string identity_of(const SqlRouteSettings& route) {
    auto identity = std::string{to_string(route.method)} + ' ' + route.pattern;
    for (const auto& column : route.page->by) {
        identity.append(1, '\0').append(column.name).append(column.descending ? " desc" : "");
    }
    return identity;
}

}  // namespace

std::vector<ParameterSettings> query_and_path_parameters(const SqlRouteSettings& route) {
    auto parameters = route.parameters;
    if (!route.page) return parameters;
    ParameterSettings limit;
    limit.name = "limit";
    limit.type = ParameterType::integer;
    limit.minimum = "1";
    limit.maximum = std::to_string(route.page->max);
    limit.default_value = std::to_string(route.page->size);
    limit.location = route.page->location;
    parameters.push_back(std::move(limit));
    ParameterSettings cursor;
    cursor.name = "cursor";
    cursor.max_length = Page::longest_cursor;
    cursor.location = route.page->location;
    parameters.push_back(std::move(cursor));
    return parameters;
}

Page::Page(const SqlRouteSettings& route, const std::vector<std::string>& key_secrets)
    : identity_{identity_of(route)},
      columns_{route.page->by.size()},
      limit_{route.parameters.size()},
      cursors_{"cursor", key_secrets} {
    if (key_secrets.empty()) throw std::invalid_argument{"'page' needs 'auth.key_secrets': they sign its cursors"};
    if (columns_ == 0) throw std::invalid_argument{"'page' needs 'by', the columns that order the rows"};
    if (route.page->size < 1 || route.page->size > route.page->max) {
        throw std::invalid_argument{"a page's 'size' must be from 1 to its 'max'"};
    }
}

// Lengths keep values apart, whatever they hold.
std::string Page::digest(const Values& values) const {
    auto bound = identity_;
    for (std::size_t i = 0; i < limit_; ++i) {
        bound.append(1, '\0');
        if (values[i]) bound.append(std::to_string(values[i]->size())).append(1, ':').append(*values[i]);
    }
    return cache::strong_etag(bound);
}

std::optional<PagePosition> Page::position(const Values& values) const {
    PagePosition page;
    const auto& limit = *values[limit_];
    std::from_chars(limit.data(), limit.data() + limit.size(), page.limit);
    const auto& cursor = values[limit_ + 1];
    if (!cursor) return page;
    const auto payload = cursors_.open(*cursor);
    const auto bound_to = digest(values);
    if (!payload || !payload->starts_with(bound_to)) return std::nullopt;
    const auto key = nlohmann::json::parse(payload->substr(bound_to.size()), nullptr, false);
    if (!key.is_array() || key.size() != columns_) return std::nullopt;
    page.after.reserve(columns_);
    for (const auto& value : key) {
        if (!value.is_string() && !value.is_null()) return std::nullopt;
        page.after.push_back(value.is_null() ? std::nullopt : std::optional{value.get<std::string>()});
    }
    return page;
}

std::string Page::behind_rows(const QueryResult& result, const Values& values) const {
    std::string cursor;
    if (result.last_key) {
        cursor = cursors_.sign(digest(values) + *result.last_key);
        if (cursor.size() > longest_cursor) {
            throw std::length_error{"the columns of 'page: by' hold texts too long for a cursor"};
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
