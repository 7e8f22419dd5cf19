// PostgreSQL with a standby and Redis for the tests of one process, which may kill and freeze them.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::test {

/// Started by `scripts/stack` in a directory of its own on first use, and taken down when the process ends, however it
/// ends. Throws std::runtime_error when the servers cannot be started.
class PrivateStack {
public:
    static PrivateStack& instance();
    /// One more, for what the others do not get over.
    PrivateStack();
    ~PrivateStack();
    PrivateStack(const PrivateStack&) = delete;
    PrivateStack& operator=(const PrivateStack&) = delete;

    /// What `stack env` exports, e.g. `SLUICE_PG_PRIMARY`.
    const std::string& env(const std::string& name) const;
    /// Starts whatever of it is dead, and waits until the standby follows. Frozen servers thaw first.
    void up();

    // `server` is primary, replica or redis.

    /// kill -9.
    void kill(std::string_view server);
    /// Stops every process of the server where it stands: its ports still take connections, but nobody answers.
    void freeze(std::string_view server);
    void thaw(std::string_view server);

private:
    std::vector<::pid_t> processes(std::string_view server) const;

    std::string directory_;
    std::map<std::string, std::string, std::less<>> environment_;
    std::map<std::string, std::vector<::pid_t>, std::less<>> frozen_;
    std::FILE* janitor_ = nullptr;  // takes all down when this end of its pipe closes
};

}  // namespace sluice::test
