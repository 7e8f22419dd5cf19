// Counts what the holder of an API key used.
#pragma once

#include "memory/usage_counter.hpp"
#include "sluice/middleware.hpp"

#include <chrono>
#include <functional>

namespace sluice::middleware {

/// Around the steps that find out who asks and that may refuse: their answers count, too.
class CountUsage final : public Middleware {
public:
    using WallClock = std::function<std::chrono::system_clock::time_point()>;

    explicit CountUsage(memory::UsageCounter& counter, WallClock clock = std::chrono::system_clock::now)
        : counter_{counter}, clock_{std::move(clock)} {}

    void after(Exchange& exchange, Response& response) noexcept override;

private:
    memory::UsageCounter& counter_;
    WallClock clock_;
};

}  // namespace sluice::middleware
