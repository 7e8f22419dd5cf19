// The port for messages to the other instances. Best effort: nothing may depend on a message's arrival.
#pragma once

#include <string_view>

namespace sluice {

class Publisher {
public:
    virtual ~Publisher() = default;
    /// Fire and forget, from any thread.
    virtual void publish(std::string_view channel, std::string_view message) noexcept = 0;
};

}  // namespace sluice
