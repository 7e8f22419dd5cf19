// Which limiter counts, and how many instances share a limit while Redis is away.
#pragma once

#include "memory/rate_limiter.hpp"
#include "middleware/rate_limit.hpp"
#include "redis/client.hpp"
#include "redis/leased_rate_limiter.hpp"
#include "redis/live_instances.hpp"
#include "redis/rate_limiter.hpp"
#include "sluice/limits.hpp"

#include <memory>

namespace sluice::app {

class Limits {
public:
    /// `redis` outlives it; null: this process's own counts are all there is.
    Limits(const RateLimitSettings& settings, redis::Client* redis);

    void start();
    void stop();

    /// For the step that limits rates. Valid as long as this object.
    middleware::RateLimitStep::Stores stores();
    memory::RateLimiter& local() noexcept { return local_; }
    /// The names in Redis are other ones from now on, or known again: this instance shows itself there at once.
    void renamed();
    /// They are those of another database: what was leased under the old ones is worth nothing.
    void forget();

private:
    memory::RateLimiter local_;
    std::unique_ptr<redis::LeasedRateLimiter> leased_;  // the strategy is one of these two
    std::unique_ptr<redis::RateLimiter> log_;
    std::unique_ptr<redis::LiveInstances> instances_;
};

}  // namespace sluice::app
