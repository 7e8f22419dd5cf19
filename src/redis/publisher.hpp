// Messages to the other instances through Redis pub/sub. Hides the loop they leave from; lost when Redis is away, so nothing
// may depend on the arrival of one.
#pragma once

#include "redis/client.hpp"
#include "telemetry/throttle.hpp"

#include <atomic>
#include <memory>
#include <string_view>

namespace sluice::redis {

class Publisher {
public:
    explicit Publisher(Client& client);

    /// From any thread. Dropped while Redis is away, and while too many wait for the background loop. What Redis refuses is
    /// logged.
    void publish(std::string_view channel, std::string_view message) noexcept;

private:
    const Executor background_;
    const std::shared_ptr<Connection> connection_;
    const CommandCounter counter_;
    const std::shared_ptr<std::atomic<int>> posted_;  // messages the background loop has not taken yet
    const std::shared_ptr<log::Throttle> throttle_;
};

}  // namespace sluice::redis
