// The connections that one server has room for, told to the log. Hides nothing but the words.
#pragma once

#include "policy/connection_allowance.hpp"
#include "telemetry/log.hpp"

#include <string>
#include <utility>

namespace sluice::postgres {

/// One per server; any thread.
class ConnectionRoom {
public:
    using User = policy::ConnectionAllowance::User;

    explicit ConnectionRoom(std::string server) : server_{std::move(server)} {}

    bool may_connect(User user) const { return allowance_.may_connect(user, Clock::now()); }
    TimePoint next_try(User user) const { return allowance_.next_try(user); }
    void made(User user) {
        if (allowance_.made(user, Clock::now())) log::info("connections_grow", {{"server", server_}});
    }
    void gone(User user) { allowance_.gone(user); }
    void refused(User user, const char* reason) {
        if (allowance_.refused(user, Clock::now()))
            log::warning("connections_limited", {{"server", server_}, {"reason", reason}});
    }
    /// Whether somebody has to give one up.
    bool wanted() const { return allowance_.wanted(); }
    bool give_up(User user) { return allowance_.give_up(user); }
    /// Whether the pool has any.
    bool any() const { return allowance_.total() > 0; }

private:
    const std::string server_;
    policy::ConnectionAllowance allowance_;
};

}  // namespace sluice::postgres
