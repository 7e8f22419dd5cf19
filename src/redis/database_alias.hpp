// Which databases the primary's address led to, as the instances that asked it remember together in Redis: an instance that
// starts while no server of PostgreSQL answers learns there whose limits it shares. Hides the script and the key's name.
#pragma once

#include "redis/client.hpp"
#include "redis/scripts.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

class DatabaseAlias {
public:
    /// The client must outlive it. `target`: the primary's host, port and database in a form that all instances share.
    /// Only its digest reaches Redis.
    DatabaseAlias(Client& client, std::string_view target);

    /// Remembers for a day that the address leads to `database`. Every time it is called the day begins anew.
    awaitable<void> remember(std::string database, Deadline deadline);
    /// All that it led to within the last day, at most a few. Nothing: no answer.
    awaitable<std::optional<std::vector<std::string>>> databases(Deadline deadline);

private:
    awaitable<Reply> run(std::string database, Deadline deadline);

    Client& client_;
    const std::string target_digest_;
    const Script script_;
};

}  // namespace sluice::redis
