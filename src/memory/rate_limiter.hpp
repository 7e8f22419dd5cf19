// Rate limits counted in this process alone: right for a single instance, and what each one falls back on without Redis.
// Hides the shards, the sweep of idle keys and what happens when there are too many keys.
#pragma once

#include "policy/sliding_window.hpp"
#include "runtime/sharded_keys.hpp"
#include "sluice/deadline.hpp"
#include "sluice/ports/rate_limiter.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::memory {

/// A sliding window per key and limit (see policy::SlidingWindow). Any thread; never `unavailable`.
///
/// A key is forgotten when its window is empty: every call sweeps a little further through its shard. At most `max_keys` are
/// kept. When a new key finds its shard full, then of a few keys the one whose window ends first is forgotten, so that
/// client starts anew. Memory is bounded and nobody is refused because of others; what is lost is the count of whom has been
/// quiet for longest, never of a client that keeps calling. Refusing new keys instead would let one client that has many
/// addresses lock everybody else out. Memory: about 250 bytes per key, and 16 per admission still in its window but
/// 16 KiB at most.
class RateLimiter final : public sluice::RateLimiter {
public:
    struct Settings {
        std::size_t max_keys = 1'000'000;  ///< at least one per shard is kept
        std::size_t shards = 64;           ///< locks; at least 1
    };

    RateLimiter() : RateLimiter{Settings{}} {}
    explicit RateLimiter(Settings settings, std::function<TimePoint()> clock = Clock::now);

    std::optional<RateDecision> try_acquire(const RateRequest& request) override { return acquire_now(request); }
    awaitable<RateDecision> acquire(RateRequest request, Deadline deadline) override;

    /// The same without a coroutine. `instances`: how many share the limits, each with its share of them.
    RateDecision acquire_now(const RateRequest& request, std::uint64_t instances = 1);

    /// Keys remembered now; for metrics and tests.
    std::size_t keys() const { return keys_.size(); }

private:
    struct Window {
        std::string scope;
        std::chrono::milliseconds length{0};
        policy::SlidingWindow log;
    };
    struct Entry {
        std::vector<Window> windows;
        TimePoint empty_at{};  // when its last admission leaves the longest window
    };
    using Keys = runtime::ShardedKeys<Entry>;

    static policy::SlidingWindow& window_of(Entry& entry, const RateLimit& limit);
    static RateDecision admit(Entry& entry, const RateRequest& request, std::uint64_t instances, TimePoint now);
    static void make_room(Keys::Shard& shard);

    std::function<TimePoint()> clock_;
    Keys keys_;
};

}  // namespace sluice::memory
