// Messages within this process: publishing calls the subscribers. For one instance without Redis, and tests.
#pragma once

#include "sluice/ports/publisher.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::memory {

/// Any thread.
class Publisher final : public sluice::Publisher {
public:
    using Subscriber = std::function<void(std::string_view message)>;

    /// Calls `subscriber` with each message of the channel, on the publishing thread and outside the lock, for as long as
    /// this object lives. It may publish or subscribe itself.
    void subscribe(std::string channel, Subscriber subscriber);

    /// Returns when every subscriber was called. What one of them throws is dropped, and the next is called.
    void publish(std::string_view channel, std::string_view message) noexcept override;

private:
    using Subscribers = std::vector<Subscriber>;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const Subscribers>, std::less<>> channels_;  // lists are replaced, never changed
};

}  // namespace sluice::memory
