// A pgbouncer of its own in front of a server, on a socket in a directory of its own.
#pragma once

#include "support/process.hpp"

#include <optional>
#include <string>

namespace sluice::test {

class PgBouncer {
public:
    /// `mode`: transaction or session. Returns once it takes connections. Throws std::runtime_error.
    PgBouncer(const std::string& server_url, const std::string& mode, unsigned server_connections);

    /// Of the database, through it.
    const std::string& url() const noexcept { return url_; }

private:
    TemporaryDirectory directory_;
    std::string url_;
    std::optional<ChildProcess> process_;
};

}  // namespace sluice::test
