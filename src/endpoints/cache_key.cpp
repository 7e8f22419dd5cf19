#include "endpoints/cache_key.hpp"

#include "cache/cached_value.hpp"
#include "endpoints/page.hpp"
#include "policy/percent_encoding.hpp"
#include "sluice/handler.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace sluice::endpoints {
namespace {

/// RFC 3986 section 2.3 unreserved characters stay; all others are percent-encoded.
void append_encoded(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (policy::is_unreserved(c) || c == ',' || c == ':')
            out += c;
        else
            policy::append_percent_encoded(out, c);
    }
}

/// One line of the variant. The length keeps it apart from the next, whatever is in it; a long one is digested.
void append_part(std::string& variant, std::string_view part) {
    constexpr std::size_t longest = 64;
    if (part.size() > longest) return append_part(variant, cache::strong_etag(part));
    variant.append(1, '\n').append(std::to_string(part.size())).append(1, ':').append(part);
}

void append_parameter(std::string& out, char separator, std::string_view name, std::string_view value) {
    out += separator;
    append_encoded(out, name);
    out += '=';
    append_encoded(out, value);
}

/// What of a route's template stands for itself: text and slashes.
void append_literal(std::string& out, std::string_view text) {
    for (auto slash = text.find('/'); slash != text.npos; slash = text.find('/')) {
        append_encoded(out, text.substr(0, slash));
        out += '/';
        text.remove_prefix(slash + 1);
    }
    append_encoded(out, text);
}

/// The route's template with the request's values, which are encoded; what stands for itself is added by `append_text`.
void append_filled_path(std::string& path, const Exchange& exchange,
                        void (*append_text)(std::string& out, std::string_view text)) {
    std::size_t value = 0;
    for (std::string_view pattern = exchange.route->pattern; !pattern.empty();) {
        const auto open = pattern.find('{');
        append_text(path, pattern.substr(0, open));
        if (open == pattern.npos) break;
        append_encoded(path, exchange.path_values.at(value++));
        pattern.remove_prefix(pattern.find('}', open) + 1);
    }
}

}  // namespace

std::string key_prefix(const RouteSettings& route, std::string_view source) {
    std::string identity{source};
    for (const auto& parameter : query_and_path_parameters(route)) {
        identity.append(1, '\0').append(parameter.name).append(1, '=').append(parameter.default_value.value_or(""));
        if (parameter.style == ArrayStyle::repeated) identity += 'r';
        if (parameter.style == ArrayStyle::json) identity += 'j';
    }
    identity.append(1, '\0').append(std::to_string(route.status));
    for (const auto& field : route.headers) identity.append(1, '\0').append(field.name).append(1, ':').append(field.value);
    for (const auto& tag : route.cache->tags) identity.append(1, '\0').append(tag);
    const auto& vary = route.cache->vary;
    identity.append(1, '\0').append(1, vary.identity ? 'i' : '-').append(1, vary.tier ? 't' : '-');
    identity.append(1, vary.scope ? 's' : '-');
    for (const auto& name : vary.headers) identity.append(1, '\0').append(name);
    const auto digest = cache::strong_etag(identity);
    return digest.substr(1, 16) + ":";
}

void append_canonical_path(std::string& path, const Exchange& exchange) {
    append_filled_path(path, exchange, [](std::string& out, std::string_view literal) { out += literal; });
    if (exchange.query.empty()) return;

    if (exchange.query.size() == 1) return append_parameter(path, '?', exchange.query[0].name, exchange.query[0].value);
    std::vector<const QueryParameter*> sorted;
    sorted.reserve(exchange.query.size());
    for (const auto& parameter : exchange.query) sorted.push_back(&parameter);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
    char separator = '?';
    for (const auto* parameter : sorted) {
        append_parameter(path, std::exchange(separator, '&'), parameter->name, parameter->value);
    }
}

void append_variant(std::string& key, const CacheVariation& vary, bool by_claims, const Exchange& exchange) {
    const auto& identity = exchange.identity;
    if (vary.identity) {
        append_part(key, identity.unique_name());
        if (by_claims) append_part(key, identity.claims);
    }
    if (vary.tier) append_part(key, identity.tier);
    if (vary.scope) {
        auto scopes = identity.scopes;
        std::sort(scopes.begin(), scopes.end());
        scopes.erase(std::unique(scopes.begin(), scopes.end()), scopes.end());
        std::string all;
        for (const auto& scope : scopes) all.append(scope).append(1, ' ');  // no scope holds a space
        append_part(key, all);
    }
    for (const auto& name : vary.headers) append_part(key, exchange.request.combined_header(name));
}

std::string varying_fields(const CacheRule& rule) {
    std::string fields;
    if (rule.is_private || rule.vary.by_credentials()) fields = "Authorization, X-API-Key";
    for (const auto& name : rule.vary.headers) fields.append(fields.empty() ? "" : ", ").append(name);
    return fields;
}

std::string target_with(const Exchange& exchange, std::string_view name, std::string_view value) {
    std::string target;
    append_filled_path(target, exchange, append_literal);
    char separator = '?';
    for (const auto& parameter : exchange.query) {
        if (parameter.name != name) {
            append_parameter(target, std::exchange(separator, '&'), parameter.name, parameter.value);
        }
    }
    append_parameter(target, separator, name, value);
    return target;
}

}  // namespace sluice::endpoints
