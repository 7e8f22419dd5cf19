#include "endpoints/cached_answer.hpp"

#include "cache/compression.hpp"
#include "cache/etag.hpp"
#include "endpoints/by_turns.hpp"
#include "endpoints/cache_key.hpp"
#include "endpoints/own_coding.hpp"
#include "endpoints/read_answer.hpp"
#include "endpoints/representation.hpp"

#include <limits>
#include <utility>

namespace sluice::endpoints {
namespace {

awaitable<Response> settled(Outcome outcome) {
    if (auto* response = std::get_if<Response>(&outcome)) co_return std::move(*response);
    co_return co_await std::get<awaitable<Response>>(std::move(outcome));
}

}  // namespace

CachedAnswer::CachedAnswer(Settings settings, cache::TwoLevelCache& cache, const CachedSource& source,
                           std::shared_ptr<const InFlight> in_flight)
    : settings_{std::move(settings)},
      cache_{cache},
      source_{source},
      in_flight_{std::move(in_flight)},
      headers_{settings_.rule, settings_.envelope} {}

Outcome CachedAnswer::handle(Exchange& exchange, const After& after) const {
    // Written where the last request's was: a hit allocates nothing.
    thread_local std::string key;
    key.assign(settings_.key_prefix);
    append_canonical_path(key, exchange);
    const auto path_end = key.size();
    append_variant(key, settings_.rule.vary, settings_.by_claims, exchange);
    const auto path = [&] { return key.substr(settings_.key_prefix.size(), path_end - settings_.key_prefix.size()); };
    // What is cached was checked before, so a hit need not be checked again.
    const auto look = cache_.look();
    auto hit = cache_.find(key, look, after);
    if (!hit.value) return loaded(exchange, key, path(), after);
    exchange.cache_status = log_name(How::level_one);
    if (hit.prolong) cache_.prolong(exchange.executor, key, hit.value);
    if (hit.refresh) return refreshed(exchange, key, path(), std::move(hit.value));
    return answer(exchange, key, std::move(hit.value), How::level_one, look);
}

/// Answered with what there is; its successor is on its way.
awaitable<Response> CachedAnswer::refreshed(Exchange& exchange, std::string key, std::string path,
                                            cache::ValuePointer value) const {
    auto outcome = co_await source_.ask(exchange, {});
    if (auto* asked = std::get_if<CachedSource::Asked>(&outcome)) {
        cache_.refresh(exchange.executor, wanted(key, std::move(path), std::move(*asked), {}), *value);
    }
    auto outcome_of_value = answer(exchange, key, std::move(value), How::level_one, cache_.look());
    co_return co_await settled(std::move(outcome_of_value));
}

awaitable<Response> CachedAnswer::loaded(Exchange& exchange, std::string key, std::string path, After after) const {
    auto outcome = co_await source_.ask(exchange, after);
    if (auto* refusal = std::get_if<Response>(&outcome)) co_return std::move(*refusal);
    auto asked = std::get<CachedSource::Asked>(std::move(outcome));
    auto found = co_await cache_.load(exchange.executor, wanted(key, std::move(path), std::move(asked), std::move(after)),
                                      exchange.deadline);
    const bool troubled = found.how == How::stale || (found.how == How::failed && found.failure.may_stand_in);
    if (troubled) {
        if (auto instead = co_await source_.fall_back(exchange)) co_return std::move(*instead);
    }
    exchange.cache_status = log_name(found.how);
    if (found.how == How::failed) {
        co_return found.failure.answer ? found.failure.answer(exchange) : source_.given_up(exchange, found.failure);
    }
    if (found.how == How::absent) co_return absent(exchange, found);
    auto outcome_of_value = answer(exchange, key, std::move(found.value), found.how, cache_.look());
    co_return co_await settled(std::move(outcome_of_value));
}

cache::Wanted CachedAnswer::wanted(std::string key, std::string path, CachedSource::Asked asked, After after) const {
    const auto& rule = settings_.rule;
    cache::Wanted wanted;
    wanted.key = std::move(key);
    wanted.path = std::move(path);
    wanted.route = settings_.route;
    wanted.tags = std::move(asked.tags);
    wanted.lifetimes = {rule.ttl, rule.stale, rule.revalidate};
    wanted.grace = rule.l1;
    wanted.negative = rule.negative;
    wanted.headers = cache_tag_header(rule, wanted.tags);
    wanted.after = std::move(after);
    if (asked.untagged) wanted.after.emplace().lsn = std::numeric_limits<std::uint64_t>::max();  // of no history
    wanted.load = std::move(asked.load);
    wanted.patience = settings_.patience;
    return wanted;
}

Outcome CachedAnswer::answer(Exchange& exchange, std::string_view key, cache::ValuePointer value, How how,
                             const Look& look) const {
    if (value->absent) {
        auto response = not_found(exchange);
        response.headers.add("Cache-Status", cache_status(*value, how, look.now));
        return response;
    }
    Coding coding;
    // A status that has no content cannot be coded either.
    coding.negotiable = settings_.compress_from != never_compressed && has_content(value->status);
    if (coding.negotiable && how != How::stale) {
        coding.wanted = wanted_coding(exchange.request, value->body.size() >= settings_.compress_from);
        coding.coded = value->coded.find(coding.wanted);
        if (!coding.coded && coding.wanted != policy::ContentCoding::identity) {
            return answer_coded(exchange, std::string{key}, std::move(value), coding, how);
        }
    }
    if (how == How::stale && settings_.envelope && value->body.size() > copied_at_once)
        return answer_stale(exchange, std::move(value), coding);
    return answer_in(exchange, value, coding, how, look);
}

awaitable<Response> CachedAnswer::answer_stale(const Exchange& exchange, cache::ValuePointer value, Coding coding) const {
    auto response = answer_in(exchange, value, coding, How::stale, cache_.look());
    if (response.status == value->status) {
        auto marked = co_await with_member(value->body, "\"stale\":true");
        set_content(response, std::move(marked));
    }
    co_return response;
}

awaitable<Response> CachedAnswer::answer_coded(Exchange& exchange, std::string key, cache::ValuePointer value, Coding coding,
                                               How how) const {
    coding.coded = co_await cache_.coded(std::move(key), value, coding.wanted);
    if (coding.coded || policy::accepts_identity(exchange.request.combined_header("Accept-Encoding")))
        co_return answer_in(exchange, value, coding, how, cache_.look());
    // It would not be smaller, or another request is making it: the client will have nothing else, so it has its own.
    const auto own = std::make_shared<cache::CodedBody>();
    own->body = co_await cache::compress(value->body, coding.wanted, cache::Effort::fast);
    own->etag = cache::coded_etag(value->etag, coding.wanted);
    coding.coded = own.get();
    auto response = answer_in(exchange, value, coding, how, cache_.look());
    if (response.shared_body) response.shared_body = std::shared_ptr<const std::string>{own, &own->body};
    co_return response;
}

Response CachedAnswer::answer_in(const Exchange& exchange, const cache::ValuePointer& value, const Coding& coding, How how,
                                 const Look& look) const {
    const bool polled = settings_.coherence && settings_.coherence->enabled();
    auto response =
        cached_response(exchange, value, coding, how, headers_, look.now, polled ? look.last_poll_sent : std::nullopt);
    in_flight_->hold(response, value);
    source_.add_to(response, exchange, value->body);
    return response;
}

/// A 404 that was looked up a moment ago, here or by another instance.
Response CachedAnswer::absent(const Exchange& exchange, const cache::Answer& answer) const {
    auto response = not_found(exchange);
    const bool from_store = answer.value && answer.judged != TimePoint::max();
    response.headers.add("Cache-Status",
                         from_store ? cache_status(*answer.value, How::level_two, Clock::now()) : cache_status_of_miss);
    return response;
}

}  // namespace sluice::endpoints
