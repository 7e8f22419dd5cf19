// The exceptions among API keys as the primary tells them: read once from the start, then with each poll.
#pragma once

#include "auth/key_exceptions.hpp"
#include "policy/changes.hpp"
#include "sluice/deadline.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>

namespace sluice::app {

/// `take` is the feed's thread's; everything else any thread's.
class KeyExceptionFeed {
public:
    const auth::KeyExceptions& known() const noexcept { return known_; }

    /// What a poll says of keys.
    void take(const policy::Poll& poll);
    /// There is nothing to wait for any more: all were read, or the primary is away.
    void first_over();
    /// False: the deadline came first. Blocking.
    bool wait_for_first(Deadline deadline);

private:
    auth::KeyExceptions known_;
    std::optional<auth::KeyExceptionTable> reread_;  // the feed's thread's, while it reads all of them again
    std::mutex mutex_;                               // guards what follows
    std::condition_variable wake_;
    bool first_over_ = false;
};

}  // namespace sluice::app
