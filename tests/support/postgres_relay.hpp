// A relay between an instance and PostgreSQL that can lose the answer to a COMMIT: the server commits, and whoever asked
// never hears of it.
#pragma once

#include "support/tcp_relay.hpp"

#include <atomic>
#include <string>

namespace sluice::test {

class PostgresRelay {
public:
    /// Passes everything to the server of `url`, which is on this machine and has the form `postgresql://…@host:port/…`.
    explicit PostgresRelay(const std::string& url);

    /// The URL by which the server is reached through the relay.
    const std::string& url() const noexcept { return url_; }

    /// From the next COMMIT on, nothing comes back on its connection. One connection alone, and once.
    void swallow_next_commit();
    /// Whether that COMMIT has come by.
    bool swallowed() const noexcept { return swallowed_; }

private:
    bool is_the_one(std::string& tail, std::string_view bytes);

    std::atomic<bool> armed_{false};
    std::atomic<bool> swallowed_{false};
    TcpRelay relay_;  // after what its thread looks at
    const std::string url_;
};

}  // namespace sluice::test
