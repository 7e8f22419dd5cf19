// The header fields by which HTTP caches and clients know what a cached answer is worth.
#pragma once

#include "cache/two_level_cache.hpp"
#include "sluice/exchange.hpp"
#include "sluice/response.hpp"
#include "sluice/settings.hpp"

#include <string>
#include <string_view>

namespace sluice::endpoints {

/// RFC 9111 Cache-Control for a successful answer of a route with this rule.
std::string cache_control(const CacheRule& rule, bool personal);

/// Whether If-None-Match (RFC 9110 section 13.1.2, weak comparison, lists and `*`) is satisfied by this tag.
bool etag_matches(std::string_view if_none_match, std::string_view etag) noexcept;

/// The answer for a value, or 304: ETag, Age, Cache-Control, and RFC 9211 Cache-Status. A stale one says so in its body and
/// has no ETag.
Response cached_response(const Exchange& exchange, const cache::ValuePointer& value, cache::Answer::How how,
                         std::string_view control, bool personal, TimePoint now);

/// RFC 9211 Cache-Status.
std::string cache_status(const cache::CachedValue& value, cache::Answer::How how, TimePoint now);

/// What the access log calls it.
std::string_view log_name(cache::Answer::How how) noexcept;

}  // namespace sluice::endpoints
