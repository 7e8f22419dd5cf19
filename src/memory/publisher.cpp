#include "memory/publisher.hpp"

#include <utility>

namespace sluice::memory {

void Publisher::subscribe(std::string channel, Subscriber subscriber) {
    std::lock_guard lock{mutex_};
    auto& current = channels_[std::move(channel)];
    auto extended = current ? std::make_shared<Subscribers>(*current) : std::make_shared<Subscribers>();
    extended->push_back(std::move(subscriber));
    current = std::move(extended);
}

void Publisher::publish(std::string_view channel, std::string_view message) noexcept {
    std::shared_ptr<const Subscribers> subscribers;
    {
        std::lock_guard lock{mutex_};
        const auto found = channels_.find(channel);
        if (found == channels_.end()) return;
        subscribers = found->second;
    }
    for (const auto& subscriber : *subscribers) {
        try {
            subscriber(message);
        } catch (...) {  // best effort: one subscriber's trouble is not the next one's
        }
    }
}

}  // namespace sluice::memory
