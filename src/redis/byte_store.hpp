// The second cache level in Redis. Hides the key names, that value and lifetime take two commands, and how a copy says that
// it is on trial.
#pragma once

#include "redis/client.hpp"
#include "redis/scripts.hpp"
#include "sluice/ports/byte_store.hpp"

namespace sluice::redis {

class ByteStore final : public sluice::ByteStore {
public:
    /// The client must outlive it.
    explicit ByteStore(Client& client);

    awaitable<StoredBytes> get(std::string_view key, Deadline deadline) override;
    /// False also for a lifetime under a millisecond: nothing is stored then.
    awaitable<bool> put(std::string_view key, std::string bytes, Lifetime lifetime, Deadline deadline) override;
    awaitable<StoreStatus> prolong(std::string_view key, Deadline deadline) override;
    awaitable<bool> erase(std::string_view key, Deadline deadline) override;
    /// Looks through all names of the server, a few hundred a call.
    awaitable<std::optional<std::size_t>> erase_those(std::function<bool(std::string_view beginning)> goes,
                                                      Deadline deadline) override;

    awaitable<LockStatus> lock(std::string_view key, std::string_view owner, std::chrono::milliseconds lifetime,
                               Deadline deadline) override;
    awaitable<void> unlock(std::string_view key, std::string_view owner, Deadline deadline) override;

private:
    awaitable<std::optional<std::size_t>> erase_of(const std::vector<Value>& names,
                                                   const std::function<bool(std::string_view)>& goes, Deadline deadline);

    Client& client_;
    const Script unlock_;
    const Script prolong_;
};

}  // namespace sluice::redis
