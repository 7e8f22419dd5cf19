#include "endpoints/cache_headers.hpp"

#include "endpoints/by_turns.hpp"
#include "endpoints/cache_key.hpp"
#include "endpoints/representation.hpp"
#include "endpoints/write_condition.hpp"
#include "policy/percent_encoding.hpp"
#include "policy/preconditions.hpp"
#include "runtime/line.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>

namespace sluice::endpoints {
namespace {

using How = cache::Answer::How;
using std::chrono::duration_cast;
using std::chrono::seconds;

std::string_view detail(How how) noexcept {
    switch (how) {
        case How::level_one:
            return "; detail=l1";
        case How::level_two:
            return "; detail=l2";
        case How::stale:
            return "; detail=stale";
        case How::collapsed:
        case How::loaded:
        case How::absent:
        case How::failed:
            break;
    }
    return {};
}

// Valid until the next: a hit is answered without an allocation.
std::string_view cache_status(How how, std::int64_t ttl) {
    if (how == How::collapsed) return "sluice; fwd=miss; collapsed";
    if (detail(how).empty()) return cache_status_of_miss;
    thread_local runtime::Line line;
    return line.start("sluice; hit; ttl=").add(ttl).add(detail(how)).view();
}

/// Visible ASCII but for the comma that separates tags and the percent sign; all else is percent-encoded.
void append_tag(std::string& list, std::string_view tag) {
    for (const char c : tag) {
        if (c > ' ' && c < '\x7f' && c != ',' && c != '%')
            list += c;
        else
            policy::append_percent_encoded(list, c);
    }
}

}  // namespace

std::string cache_control(const CacheRule& rule) {
    std::string control = rule.is_private ? "private, " : "";
    if (!rule.max_age) return control += "no-cache";
    control += "max-age=" + std::to_string(rule.max_age->count());
    // RFC 5861: what we would do ourselves, a cache in front may do as well.
    const auto also = [&control](std::string_view directive, milliseconds time) {
        const auto whole = duration_cast<seconds>(time).count();
        if (whole > 0) control.append(directive).append(std::to_string(whole));
    };
    also(", stale-while-revalidate=", rule.revalidate);
    also(", stale-if-error=", rule.stale);
    return control;
}

RouteHeaders::RouteHeaders(const CacheRule& rule, bool in_envelope) : envelope{in_envelope} {
    plain.add("Cache-Control", cache_control(rule));
    stale.add("Cache-Control", rule.is_private ? "private, no-cache" : "no-cache");
    if (const auto fields = varying_fields(rule); !fields.empty()) {
        plain.add("Vary", fields);
        stale.add("Vary", fields);
    }
    negotiable = plain;
    negotiable.add_to_list("Vary", "Accept-Encoding");
}

HeaderBlock cache_tag_header(const CacheRule& rule, const std::vector<std::string>& tags) {
    HeaderBlock block;
    if (!rule.max_age || rule.is_private) return block;
    std::string list;
    for (const auto& tag : tags) {
        if (tag.starts_with(TrackedTable::own_tag_prefix)) continue;
        if (!list.empty()) list += ',';
        append_tag(list, tag);
    }
    if (!list.empty()) block.add("Cache-Tag", list);
    return block;
}

Duration age_of(const cache::CachedValue& value, std::optional<TimePoint> validated, TimePoint now) {
    auto since = value.loaded_at;
    if (validated && !value.tags.empty() && now - since < value.ttl) since = std::max(since, *validated);
    return std::max(now - since, Duration{0});
}

Response cached_response(const Exchange& exchange, const cache::ValuePointer& value, const Coding& coding, How how,
                         const RouteHeaders& route, TimePoint now, std::optional<TimePoint> validated) {
    const auto ttl = duration_cast<seconds>(value->ttl - (now - value->loaded_at)).count();
    const bool stale = how == How::stale;
    const auto age = age_of(*value, stale ? std::nullopt : validated, now);
    std::string_view etag;
    if (!stale) etag = coding.coded ? coding.coded->etag : value->etag;
    const auto judgement = policy::judge_preconditions(exchange.request.method, exchange.request.headers, {true, etag});
    if (judgement == policy::Judgement::failed) return to_response(precondition_failed(), exchange.request_id);
    Response response;
    response.status = value->status;
    auto& headers = response.headers;
    headers.add("Cache-Status", cache_status(how, ttl));
    headers.add("Age", static_cast<std::uint64_t>(duration_cast<seconds>(age).count()));
    if (stale) {
        headers.append(route.stale);
        headers.append(value->headers);
        headers.remove("Cache-Tag");  // no cache in front is to keep it
        if (!route.envelope) {
            set_content(response, std::shared_ptr<const std::string>{value, &value->body});
            return response;
        }
        if (value->body.size() > copied_at_once) return response;
        auto marked = value->body;
        marked.pop_back();  // the closing brace of {"data":…}
        set_content(response, marked.append(",\"stale\":true}"));
        return response;
    }
    headers.append(coding.negotiable ? route.negotiable : route.plain);
    headers.append(value->headers);
    if (!etag.empty()) headers.add("ETag", etag);
    if (judgement == policy::Judgement::not_modified) {
        response.status = 304;
        return response;
    }
    const auto& body = coding.coded ? coding.coded->body : value->body;
    set_content(response, std::shared_ptr<const std::string>{value, &body});
    if (coding.coded) headers.add("Content-Encoding", to_string(coding.wanted));
    return response;
}

std::string_view cache_status(const cache::CachedValue& value, How how, TimePoint now) {
    return cache_status(how, duration_cast<seconds>(value.ttl - (now - value.loaded_at)).count());
}

std::string_view log_name(How how) noexcept {
    switch (how) {
        case How::level_one:
            return "l1";
        case How::level_two:
            return "l2";
        case How::loaded:
            return "miss";
        case How::collapsed:
            return "collapsed";
        case How::stale:
            return "stale";
        case How::absent:
            return "absent";
        case How::failed:
            return "failed";
    }
    return "failed";
}

}  // namespace sluice::endpoints
