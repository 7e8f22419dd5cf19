// How many instances share one Redis: each says once a second that it lives. Hides the heartbeat.
#pragma once

#include "redis/client.hpp"
#include "redis/scripts.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace sluice::redis {

/// While Redis is away the last known number stands; before the first answer, what was expected.
class LiveInstances {
public:
    /// Called on the background loop after every heartbeat that Redis has answered.
    using OnBeat = std::function<awaitable<void>()>;

    /// The client must outlive it.
    LiveInstances(Client& client, unsigned expected, OnBeat on_beat);
    /// Stops first if needed.
    ~LiveInstances();

    void start();
    /// Not from a loop; while the loops still run. Idempotent, for good.
    void stop();

    /// Says it now: under other names, or because these are known now. From any thread.
    void beat_now();

    /// At least 1. From any thread.
    unsigned count() const noexcept { return count_.load(std::memory_order_relaxed); }

private:
    struct Beat;
    awaitable<void> run(std::shared_ptr<Beat> beat);

    Client& client_;
    const OnBeat on_beat_;
    const Script script_;
    const std::string name_;  // of this instance
    std::atomic<unsigned> count_;
    std::shared_ptr<Beat> beat_;  // on the background loop
    bool started_ = false;
};

}  // namespace sluice::redis
