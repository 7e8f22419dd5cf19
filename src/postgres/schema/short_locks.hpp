// Changes of tables beside traffic: a lock is waited for so shortly that nobody waits long behind it, and then again.
// Blocking.
#pragma once

#include "postgres/connection/connection.hpp"

#include <chrono>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::postgres {

/// How to wait for locks that others hold.
struct LockWaiting {
    /// How long in all, for each transaction; then LockedOut.
    Duration patience = std::chrono::seconds{60};
    /// Is told once for each transaction that has to wait, and who holds the locks.
    std::function<void(std::string_view)> tell{};
};

/// Others held a lock all the time. Nothing was done.
class LockedOut : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a lock is waited for at a time: whoever comes behind waits no longer.
inline constexpr std::chrono::milliseconds lock_timeout{500};

/// The tables whose locks a transaction needs, for the message.
struct NeededLocks {
    std::string what;                 ///< as in `a lock on WHAT`
    std::vector<std::string> tables;  ///< as SQL names them
    bool exclusive = false;           ///< readers stand in the way, too
};

/// Runs the work in a transaction that the connection is not in yet, again and again until it gets its locks. Throws
/// SqlError, ConnectionLost or LockedOut; nothing was done then.
void run_with_short_locks(Connection& connection, const NeededLocks& locks, const LockWaiting& waiting,
                          const std::function<void(TimePoint limit)>& work);

}  // namespace sluice::postgres
