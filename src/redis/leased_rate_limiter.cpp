#include "redis/leased_rate_limiter.hpp"

#include "redis/rate_limiter.hpp"
#include "runtime/boot_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace sluice::redis {
namespace {

using policy::BootMoment;
using std::chrono::ceil;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t swept_per_call = 4;       // buckets of the map: more than one call can add, so the sweep keeps up
constexpr std::size_t looked_at_when_full = 8;  // keys among which the victim is chosen
constexpr std::size_t charged_at_once = 256;    // keys
/// Whoever waits sees others use what they waited for at most so often; with every round the store has granted something.
constexpr int most_rounds = 64;
/// Lua counts in doubles, which are exact up to here.
constexpr std::uint64_t most_exact = std::uint64_t{1} << 53;

policy::LeaseGrant grant_of(const Value& value) {
    const auto& answer = value.elements;
    return {static_cast<std::uint64_t>(answer[0].integer), static_cast<std::uint64_t>(answer[1].integer),
            microseconds{answer[2].integer}, microseconds{answer[3].integer}};
}

}  // namespace

/// A question to Redis for one limit of a key. Whatever becomes of the coroutine that asks, those that wait are told.
class LeasedRateLimiter::Question {
public:
    /// Under the shard's lock. `cost`: 0 only charges.
    Question(const KeySpace& keys, Shard& shard, std::string_view key, Bucket& bucket, std::uint64_t limit,
             std::uint64_t cost, BootMoment now)
        : keys_{&keys},
          stem_{keys.stem()},
          shard_{&shard},
          key_{key},
          scope_{bucket.scope},
          window_{bucket.window},
          cost_{cost},
          terms_{bucket.terms},
          sent_{now} {
        const auto want = cost > 0 ? bucket.lease.ask(now, cost, bucket.waiting, limit, terms_) : 0;
        // What was admitted elsewhere longer than a window ago counts no more.
        charge_ = now < bucket.owed_until ? std::exchange(bucket.owed, 0) : 0;
        owed_until_ = bucket.owed_until;
        const auto text = [](auto number) { return std::to_string(number); };
        // Where the names are not known it is not asked; see `known`.
        call_ = {{limit_key(stem_ ? *stem_ : std::string{}, "lease", key, RateLimit{limit, window_, scope_})},
                 {text(std::min(limit, most_exact)), text(want), text(cost), text(charge_), text(terms_.window.count()),
                  text(terms_.hold.count()), text(terms_.bucket.count())}};
    }
    Question(Question&& other) noexcept
        : keys_{other.keys_},
          stem_{std::move(other.stem_)},
          shard_{std::exchange(other.shard_, nullptr)},
          key_{std::move(other.key_)},
          scope_{std::move(other.scope_)},
          window_{other.window_},
          cost_{other.cost_},
          charge_{other.charge_},
          owed_until_{other.owed_until_},
          terms_{other.terms_},
          sent_{other.sent_},
          call_{std::move(other.call_)} {}
    Question& operator=(Question&&) = delete;
    ~Question() {
        if (shard_ != nullptr) settle(nullptr);
    }

    /// Whether its names were known when it was made, and are the same now.
    bool known() const { return stem_ && stem_ == keys_->stem(); }
    const ScriptCall& call() const noexcept { return call_; }
    void answered(const policy::LeaseGrant& grant) { settle(&grant); }

private:
    void settle(const policy::LeaseGrant* grant) {
        auto& shard = *std::exchange(shard_, nullptr);
        std::vector<Waiter> waiters;
        {
            const std::lock_guard lock{shard.mutex};
            const auto found = shard.entries.find(key_);
            if (found == shard.entries.end()) return;  // dropped for want of room; it had nobody waiting
            auto& bucket = bucket_of(found->second, RateLimit{0, window_, scope_});
            if (grant == nullptr && charge_ > 0) {
                bucket.owed += charge_;
                bucket.owed_until = std::max(bucket.owed_until, owed_until_);
            }
            if (cost_ == 0) return;
            if (grant != nullptr) {
                bucket.lease.answered(sent_, runtime::boot_now(), cost_, *grant, terms_);
            } else {
                bucket.lease.unanswered();
            }
            waiters.swap(bucket.waiters);
            bucket.waiting = 0;
        }
        for (const auto& waiter : waiters) waiter.set(grant != nullptr);
    }

    const KeySpace* keys_;
    KeySpace::Stem stem_;
    Shard* shard_;  // null once it is settled
    std::string key_;
    std::string scope_;
    milliseconds window_;
    std::uint64_t cost_;
    std::uint64_t charge_ = 0;
    BootMoment owed_until_{0};
    policy::LeaseTerms terms_;
    BootMoment sent_;
    ScriptCall call_;
};

LeasedRateLimiter::LeasedRateLimiter(Client& client, Settings settings)
    : client_{client}, keys_{settings.max_keys, settings.shards} {}

LeasedRateLimiter::~LeasedRateLimiter() = default;

std::optional<RateDecision> LeasedRateLimiter::try_acquire(const RateRequest& request) {
    auto& shard = keys_.shard_of(request.key);
    const std::lock_guard lock{shard.mutex};
    // Read under the lock: the wait for it is part of a token's life.
    const auto now = runtime::boot_now();
    const auto found = shard.entries.find(request.key);
    if (found == shard.entries.end() || runs_low(found->second, request, now)) return std::nullopt;
    auto decision = decide(found->second, request, now);
    if (decision) {
        for (const auto& limit : request.limits) bucket_of(found->second, limit).lease.arrived(request.cost);
    }
    return decision;
}

awaitable<RateDecision> LeasedRateLimiter::acquire(RateRequest request, Deadline deadline) {
    const auto executor = co_await boost::asio::this_coro::executor;
    auto& shard = keys_.shard_of(request.key);
    for (int round = 0; round < most_rounds; ++round) {
        std::vector<Question> asks;
        std::optional<Waiter> waiter;
        std::optional<RateDecision> decision;
        {
            const std::lock_guard lock{shard.mutex};
            const auto now = runtime::boot_now();
            auto& entry = entry_of(shard, request.key, now);
            for (const auto& limit : request.limits) {
                auto& bucket = bucket_of(entry, limit);
                if (round == 0) bucket.lease.arrived(request.cost);
            }
            decision = decide(entry, request, now);
            for (const auto& limit : request.limits) {
                auto& bucket = bucket_of(entry, limit);
                if (decision ? !bucket.lease.runs_low(now) : bucket.lease.holds(now, request.cost)) continue;
                if (!bucket.lease.asking()) {
                    asks.emplace_back(client_.keys(), shard, request.key, bucket, limit.requests, request.cost, now);
                } else if (!waiter) {
                    waiter.emplace(executor);
                    bucket.waiters.push_back(*waiter);
                    bucket.waiting += request.cost;
                }
            }
        }
        if (decision) {
            if (!asks.empty())
                boost::asio::co_spawn(executor, ask(std::move(asks), Deadline::never()), boost::asio::detached);
            co_return *decision;
        }
        if (!asks.empty()) {
            if (!co_await ask(std::move(asks), deadline)) co_return RateDecision{};
        }
        if (waiter && !(co_await waiter->wait(deadline)).value_or(false)) co_return RateDecision{};
    }
    co_return RateDecision{};
}

awaitable<bool> LeasedRateLimiter::ask(std::vector<Question> questions, Deadline deadline) {
    const auto known = [](const Question& question) { return question.known(); };
    if (!std::all_of(questions.begin(), questions.end(), known)) co_return false;
    std::vector<ScriptCall> calls;
    calls.reserve(questions.size());
    for (const auto& question : questions) calls.push_back(question.call());
    const auto replies = co_await script_.run_all(client_, calls, deadline);
    bool all = true;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        if (replies[i].status == Status::ok && holds_integers(replies[i].value, 4) && questions[i].known()) {
            questions[i].answered(grant_of(replies[i].value));
        } else {
            all = false;
        }
    }
    co_return all;
}

void LeasedRateLimiter::admitted_elsewhere(const RateRequest& request) {
    auto& shard = keys_.shard_of(request.key);
    const std::lock_guard lock{shard.mutex};
    const auto now = runtime::boot_now();
    auto& entry = entry_of(shard, request.key, now);
    for (const auto& limit : request.limits) {
        auto& bucket = bucket_of(entry, limit);
        if (now >= bucket.owed_until) bucket.owed = 0;
        bucket.owed += request.cost;
        bucket.owed_until = now + limit.window;
    }
    owes_.store(true, std::memory_order_relaxed);
}

awaitable<void> LeasedRateLimiter::charge() {
    if (!owes_.exchange(false, std::memory_order_relaxed)) co_return;
    for (auto& shard : keys_.shards()) {
        for (;;) {
            std::vector<Question> debts;
            {
                const std::lock_guard lock{shard.mutex};
                const auto now = runtime::boot_now();
                for (auto& [key, entry] : shard.entries) {
                    for (auto& bucket : entry) {
                        if (bucket.owed == 0 || now >= bucket.owed_until || debts.size() == charged_at_once) continue;
                        debts.emplace_back(client_.keys(), shard, key, bucket, 0, 0, now);
                    }
                }
            }
            if (debts.empty()) break;
            if (co_await ask(std::move(debts), Deadline::never())) continue;
            owes_.store(true, std::memory_order_relaxed);
            co_return;
        }
    }
}

void LeasedRateLimiter::forget() {
    for (auto& shard : keys_.shards()) {
        const std::lock_guard lock{shard.mutex};
        for (auto& [key, entry] : shard.entries) {
            for (auto& bucket : entry) {
                bucket.owed = 0;
                // A question under way still wakes those that wait, though its answer is not taken.
                if (!bucket.lease.asking()) bucket.lease = {};
            }
        }
    }
}

bool LeasedRateLimiter::runs_low(Entry& entry, const RateRequest& request, BootMoment now) {
    return std::any_of(request.limits.begin(), request.limits.end(),
                       [&](const RateLimit& limit) { return bucket_of(entry, limit).lease.runs_low(now); });
}

LeasedRateLimiter::Entry& LeasedRateLimiter::entry_of(Shard& shard, std::string_view key, BootMoment now) {
    shard.sweep(swept_per_call, [now](const Entry& entry) { return idle(entry, now); });
    const auto found = shard.entries.find(key);
    if (found != shard.entries.end()) return found->second;
    if (keys_.full(shard)) make_room(shard, now);
    return shard.entries.emplace(std::string{key}, Entry{}).first->second;
}

LeasedRateLimiter::Bucket& LeasedRateLimiter::bucket_of(Entry& entry, const RateLimit& limit) {
    for (auto& bucket : entry) {
        if (bucket.window == limit.window && bucket.scope == limit.scope) return bucket;
    }
    return entry.emplace_back(
        Bucket{std::string{limit.scope}, limit.window, policy::LeaseTerms::of(limit.window), {}, {}, 0, 0, {}});
}

bool LeasedRateLimiter::idle(const Entry& entry, BootMoment now) noexcept {
    return std::all_of(entry.begin(), entry.end(), [&](const Bucket& bucket) {
        return bucket.lease.idle(now) && bucket.waiters.empty() && (bucket.owed == 0 || now >= bucket.owed_until);
    });
}

// Prefers one that is idle; of the others one that nobody asks for or waits for, whose tokens are wasted.
void LeasedRateLimiter::make_room(Shard& shard, BootMoment now) {
    const std::string* victim = nullptr;
    shard.look_at(looked_at_when_full, [&](const std::string& key, const Entry& entry) {
        const bool busy = std::any_of(entry.begin(), entry.end(),
                                      [](const Bucket& bucket) { return bucket.lease.asking() || !bucket.waiters.empty(); });
        if (busy) return false;
        victim = &key;
        return idle(entry, now);
    });
    if (victim != nullptr) shard.entries.erase(shard.entries.find(*victim));
}

std::optional<RateDecision> LeasedRateLimiter::decide(Entry& entry, const RateRequest& request, BootMoment now) {
    RateDecision refusal;
    RateDecision admission{.verdict = RateDecision::Verdict::admitted,
                           .remaining = std::numeric_limits<std::uint64_t>::max()};
    bool all_held = true;
    for (std::size_t i = 0; i < request.limits.size(); ++i) {
        const auto& lease = bucket_of(entry, request.limits[i]).lease;
        const auto remaining = std::min(lease.remaining(now), request.limits[i].requests);
        const auto reset = ceil<milliseconds>(lease.reset(now));
        if (lease.denies(now, request.cost)) {
            const auto retry = std::max(milliseconds{1}, ceil<milliseconds>(lease.retry(now)));
            if (refusal.verdict == RateDecision::Verdict::rejected && retry <= refusal.retry_after) continue;
            refusal = {RateDecision::Verdict::rejected, i, remaining, reset, retry};
        }
        if (!lease.holds(now, request.cost)) all_held = false;
        if (remaining < admission.remaining) admission = {RateDecision::Verdict::admitted, i, remaining, reset, {}};
    }
    if (refusal.verdict == RateDecision::Verdict::rejected) return refusal;
    if (!all_held) return std::nullopt;
    for (const auto& limit : request.limits) bucket_of(entry, limit).lease.spend(now, request.cost);
    admission.remaining -= std::min(admission.remaining, request.cost);
    // A booking outlives its window by the lease's life and guard. A client need not know, unless it used the last token:
    // one that waits for the window alone would be refused.
    if (admission.remaining > 0)
        admission.reset_after = std::min(admission.reset_after, request.limits[admission.limit].window);
    return admission;
}

}  // namespace sluice::redis
