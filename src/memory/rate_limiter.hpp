// Rate limits counted in this process alone: right for a single instance, and what each one falls back on without Redis.
// Hides the shards, the sweep of idle keys and what happens when there are too many keys.
#pragma once

#include "policy/sliding_window.hpp"
#include "sluice/deadline.hpp"
#include "sluice/ports/rate_limiter.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
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
    std::size_t keys() const;

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
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
    };
    using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;
    struct alignas(64) Shard {
        mutable std::mutex mutex;
        Entries entries;
        std::size_t hand = 0;  // the bucket that is swept next
    };

    static policy::SlidingWindow& window_of(Entry& entry, const RateLimit& limit);
    static RateDecision admit(Entry& entry, const RateRequest& request, std::uint64_t instances, TimePoint now);
    static void sweep(Shard& shard, TimePoint now);
    static void make_room(Shard& shard);

    std::function<TimePoint()> clock_;
    std::size_t keys_per_shard_;
    std::vector<Shard> shards_;
};

}  // namespace sluice::memory
