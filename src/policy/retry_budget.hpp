// How many requests may be sent a second time: a share of all requests, so that retries never make an outage worse.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace sluice::policy {

/// A token bucket that each request fills by a share of one token; a retry takes a whole one. Any thread. It lends the first
/// token, so that the first request of all may be retried: of n requests at most max(1, share * n) are, never more than
/// `most_saved` at once.
class RetryBudget {
public:
    static constexpr std::int64_t most_saved = 100;

    /// `percent` of the requests, 0 to 100.
    explicit RetryBudget(unsigned percent) noexcept : percent_{std::min(percent, 100u)} {}

    /// One request more, which is no retry.
    void request() noexcept {
        const std::lock_guard lock{mutex_};
        hundredths_ = std::min(hundredths_ + percent_, most_saved * 100);
    }

    /// Takes a token; false: there is none.
    bool try_retry() noexcept {
        const std::lock_guard lock{mutex_};
        const std::int64_t lent = percent_ > 0 && !borrowed_ ? 100 : 0;
        if (hundredths_ + lent < 100) return false;
        borrowed_ = true;
        hundredths_ -= 100;
        return true;
    }

private:
    const std::int64_t percent_;
    std::mutex mutex_;             // guards what follows
    std::int64_t hundredths_ = 0;  // of a token; below 0: the lent one is not paid back
    bool borrowed_ = false;        // the first token can be had no more
};

}  // namespace sluice::policy
