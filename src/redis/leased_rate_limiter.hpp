// Rate limits counted in Redis for all instances together, a few tokens at a time (`strategy: leased`).
// Hides the leases, who asks for whom, the script and the key names. The rules are policy::Lease's.
#pragma once

#include "policy/lease.hpp"
#include "redis/client.hpp"
#include "redis/scripts.hpp"
#include "runtime/one_shot.hpp"
#include "runtime/sharded_keys.hpp"
#include "sluice/ports/rate_limiter.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

/// No window ever holds more than its limit, over all instances, as long as Redis answers, keeps what it is told and its
/// clock is not stepped by more than a lease's guard. A hot key costs a few calls a second and instance, whatever its load;
/// a cold one a call per request, and those of one loop turn leave in one write. A hit is one look-up under the lock of a
/// shard: no coroutine, no allocation. When a lease is nearly used up one of its hits asks for the next, and does not wait.
///
/// One question at a time is under way for each limit of a key in the whole instance; the loop that asks wakes those that
/// wait on others. What cannot be answered is `unavailable`; the caller says with `admitted_elsewhere` what it let pass, and
/// that is charged with the key's next question, or by `charge`.
class LeasedRateLimiter final : public sluice::RateLimiter {
public:
    struct Settings {
        std::size_t max_keys = 1'000'000;  ///< at least one per shard is kept; what is dropped only wastes its tokens
        std::size_t shards = 64;           ///< locks; at least 1
    };

    /// The client must outlive it.
    explicit LeasedRateLimiter(Client& client) : LeasedRateLimiter{client, Settings{}} {}
    LeasedRateLimiter(Client& client, Settings settings);
    ~LeasedRateLimiter() override;

    std::optional<RateDecision> try_acquire(const RateRequest& request) override;
    awaitable<RateDecision> acquire(RateRequest request, Deadline deadline) override;
    void admitted_elsewhere(const RateRequest& request) override;

    /// Charges all that was admitted without Redis and not charged yet, once Redis is back.
    awaitable<void> charge();

    /// The keys in Redis are another deployment's from now on: tokens, denials and debts of the last one mean nothing.
    void forget();

    /// Keys remembered now; for metrics and tests.
    std::size_t keys() const { return keys_.size(); }

private:
    using Waiter = runtime::OneShot<bool>;  // false: there was no answer

    struct Bucket {
        std::string scope;
        std::chrono::milliseconds window{0};
        policy::LeaseTerms terms;
        policy::Lease lease;
        std::vector<Waiter> waiters;
        std::uint64_t waiting = 0;  // tokens
        std::uint64_t owed = 0;     // tokens to charge
        policy::BootMoment owed_until{0};
    };
    using Entry = std::vector<Bucket>;  // one for each limit of the key
    using Keys = runtime::ShardedKeys<Entry>;
    using Shard = Keys::Shard;
    class Question;

    Entry& entry_of(Shard& shard, std::string_view key, policy::BootMoment now);
    static Bucket& bucket_of(Entry& entry, const RateLimit& limit);
    static bool idle(const Entry& entry, policy::BootMoment now) noexcept;
    static void make_room(Shard& shard, policy::BootMoment now);
    static bool runs_low(Entry& entry, const RateRequest& request, policy::BootMoment now);
    static std::optional<RateDecision> decide(Entry& entry, const RateRequest& request, policy::BootMoment now);
    awaitable<bool> ask(std::vector<Question> questions, Deadline deadline);

    Client& client_;
    const Script script_{lease_script};
    Keys keys_;
    std::atomic<bool> owes_{false};  // something may be owed: else `charge` need not look
};

}  // namespace sluice::redis
