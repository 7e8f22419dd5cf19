// Statements on a connection of their own, for what is too rare to keep one.
#pragma once

#include "postgres/connection/connection.hpp"

#include <string>

namespace sluice::postgres {

/// Throws ConnectionLost, also when `patience` is over, or SqlError.
inline Rows run_single(const std::string& url, const std::string& sql, const Row& values,
                       Duration patience = std::chrono::seconds{30}) {
    Watchdog watchdog;
    const auto limit = Clock::now() + patience;
    Connection connection{url, watchdog, limit};
    return connection.execute(sql, values, limit);
}

/// Several statements in one transaction, none of them with values.
inline void run_statements(const std::string& url, const std::string& sql, Duration patience = std::chrono::seconds{30}) {
    Watchdog watchdog;
    const auto limit = Clock::now() + patience;
    Connection connection{url, watchdog, limit};
    connection.execute(sql, limit);
}

}  // namespace sluice::postgres
