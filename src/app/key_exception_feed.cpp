#include "app/key_exception_feed.hpp"

#include <utility>

namespace sluice::app {

void KeyExceptionFeed::take(const policy::Poll& poll) {
    // What a reading from the start no longer names is as it says again. Until it is complete the old ones hold as well.
    if (poll.keys_from_start && known_.size() > 0) reread_.emplace();
    for (const auto& key : poll.keys) {
        const auth::KeyException exception{key.revoked_from, key.tier};
        known_.apply(key.id, exception);
        if (reread_) reread_->apply(key.id, exception);
    }
    if (poll.keys_complete && reread_) {
        known_.replace(std::move(*reread_));
        reread_.reset();
    }
    if (poll.keys_complete) first_over();
}

void KeyExceptionFeed::first_over() {
    {
        const std::lock_guard lock{mutex_};
        first_over_ = true;
    }
    wake_.notify_all();
}

bool KeyExceptionFeed::wait_for_first(Deadline deadline) {
    std::unique_lock lock{mutex_};
    return wake_.wait_until(lock, deadline.time(), [this] { return first_over_; });
}

}  // namespace sluice::app
