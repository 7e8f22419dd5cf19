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
std::string cache_control(const CacheRule& rule);

/// What the answers of a route with this rule have in common: made once, copied into each.
struct RouteHeaders {
    explicit RouteHeaders(const CacheRule& rule, bool in_envelope = true);

    bool envelope;           ///< whether its bodies are `{"data":…}`, where a stale one can say that it is
    HeaderBlock plain;       ///< Cache-Control and Vary
    HeaderBlock negotiable;  ///< the same where the content coding was chosen by Accept-Encoding
    HeaderBlock stale;       ///< of a copy that stands in
};

/// `Cache-Tag` for the cache in front of us, to drop an answer by: the route's tags, if shared caches may keep the answer
/// for a time. Not the tables' own tags, which name what is behind.
HeaderBlock cache_tag_header(const CacheRule& rule, const std::vector<std::string>& tags);

/// How a value is to be sent.
struct Coding {
    bool negotiable = false;  ///< Accept-Encoding decides
    policy::ContentCoding wanted = policy::ContentCoding::identity;
    const cache::CodedBody* coded = nullptr;  ///< null: as it is
};

/// Since when a fresh value was not looked at: RFC 9111 section 5.1 counts Age from the last validation. A value with tags
/// is validated by each poll of the primary's invalidations that is answered, a load by itself. `validated`: when the last
/// of those polls was sent; nothing: there are none. Beyond its ttl a value is as old as its load: the ttl is for what no
/// tag tells.
Duration age_of(const cache::CachedValue& value, std::optional<TimePoint> validated, TimePoint now);

/// The answer for a value, or what the request's preconditions make of it (304, 412): ETag, Age, Cache-Control, and RFC 9211
/// Cache-Status. A stale one says so in its envelope, has no ETag, and is as old as its load; of one that is too large to be
/// copied at once the body is left to the caller (`with_member`). `validated`: see `age_of`.
Response cached_response(const Exchange& exchange, const cache::ValuePointer& value, const Coding& coding,
                         cache::Answer::How how, const RouteHeaders& route, TimePoint now,
                         std::optional<TimePoint> validated = {});

/// RFC 9211 Cache-Status. Valid until this thread's next call.
std::string_view cache_status(const cache::CachedValue& value, cache::Answer::How how, TimePoint now);

/// The same of what was loaded for the request.
inline constexpr std::string_view cache_status_of_miss = "sluice; fwd=miss";

/// What the access log calls it.
std::string_view log_name(cache::Answer::How how) noexcept;

}  // namespace sluice::endpoints
