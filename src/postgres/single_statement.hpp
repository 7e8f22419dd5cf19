// One statement on a connection of its own, for what is too rare to keep one.
#pragma once

#include "postgres/connection.hpp"

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

}  // namespace sluice::postgres
