// Messages from the other instances: one channel, on a connection of its own on the background loop.
// Hides subscribing again after every loss.
#pragma once

#include "runtime/event_loops.hpp"
#include "sluice/settings.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::redis {

/// Messages sent while it was not connected are lost: `on_connected`, called after every (re)connect once the subscription
/// holds, is the moment to catch up. Both functions are called on the background loop and must neither block nor throw.
class Subscriber {
public:
    /// Throws std::invalid_argument if the URL is wrong. `loops` must outlive it. An empty channel: none yet.
    Subscriber(runtime::EventLoops& loops, const RedisSettings& settings, std::string channel,
               std::function<void(std::string_view message)> on_message, std::function<void()> on_connected);
    /// Stops first if needed.
    ~Subscriber();
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;

    /// Starts to connect and returns; an unreachable Redis is no error.
    void start();
    /// Another channel in the place of the last one; empty: none. From any thread.
    void listen(std::string channel);
    /// On a new connection, its name resolved anew. From any thread.
    void reconnect();
    /// Neither function is called afterwards. Not from a loop; while the loops still run. Idempotent, for good.
    void stop();

private:
    class Session;
    runtime::EventLoops& loops_;
    const std::shared_ptr<Session> session_;
    bool running_ = false;
};

}  // namespace sluice::redis
