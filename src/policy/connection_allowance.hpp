// How many connections a server lets one program have, learnt from its refusals, and who of those that want one comes first.
// Pure: takes the time as an argument. Hides the counting.
#pragma once

#include "sluice/deadline.hpp"

#include <array>
#include <cstddef>
#include <mutex>

namespace sluice::policy {

/// One per server; any thread.
///
/// A role's or a server's limit on connections is shared with other programs, so it is never known: a refusal says that it
/// is reached. Then those connections that there are do all the work, and one more is tried seldom. A user of connections
/// that has none is first: it tries often, and the user that has the most gives one up for it.
class ConnectionAllowance {
public:
    enum class User {
        writers,  // those that write
        workers,  // those of worker threads that read
        loops,    // those of event loops
        other,    // whoever asks the server about itself; they count their own
    };
    static constexpr Duration first_pause = std::chrono::seconds{5};
    static constexpr Duration longest_pause = std::chrono::seconds{60};
    static constexpr Duration pause_without = std::chrono::milliseconds{100};  ///< of a user that has none

    /// Whether the user may try to make one more.
    bool may_connect(User user, TimePoint now) const;
    /// When that will be, if nothing changes.
    TimePoint next_try(User user) const;
    /// One more was made. True if that is news: there is room for more than there was.
    bool made(User user, TimePoint now);
    /// One went, for whatever reason.
    void gone(User user);
    /// The server has no room for one more. True if that is news.
    bool refused(User user, TimePoint now);
    /// Whether the user is to give one up, for another that has none. True once for each that is wanted; then it counts as
    /// gone.
    bool give_up(User user);

    /// Whether there is one who has none, was refused, and has been given none up.
    bool wanted() const;

    std::size_t total() const;

private:
    static constexpr std::size_t users = 4;
    static std::size_t index(User user) noexcept { return static_cast<std::size_t>(user); }
    std::size_t total_locked() const noexcept;

    mutable std::mutex mutex_;  // guards what follows
    std::array<std::size_t, users> made_{};
    std::array<bool, users> wanting_{};  // has none, was refused, and nobody has given one up for it yet
    std::array<TimePoint, users> tries_at_{};
    Duration pause_ = first_pause;
    TimePoint grows_at_{};
    bool limited_ = false;
    std::size_t lost_ = 0;  // since the last refusal, and not replaced
};

}  // namespace sluice::policy
