// A relay between an instance and PostgreSQL that can lose the answer to a COMMIT: the server commits, and whoever asked
// never hears of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::test {

class PostgresRelay {
public:
    /// Passes everything to the server of `url`, which has the form `postgresql://…@host:port/…`.
    explicit PostgresRelay(const std::string& url);
    ~PostgresRelay();
    PostgresRelay(const PostgresRelay&) = delete;
    PostgresRelay& operator=(const PostgresRelay&) = delete;

    /// The URL by which the server is reached through the relay.
    const std::string& url() const noexcept;

    /// From the next COMMIT on, nothing comes back on its connection. One connection alone, and once.
    void swallow_next_commit();
    /// Whether that COMMIT has come by.
    bool swallowed() const noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::test
