// One endpoint of a service, as all loops see it.
#pragma once

#include "upstream/address_book.hpp"
#include "upstream/url.hpp"

#include <atomic>
#include <cstddef>
#include <string>

namespace sluice::upstream {

struct Endpoint {
    Endpoint(Url of, unsigned its_weight) : url{std::move(of)}, authority{url.authority()}, weight{its_weight} {}

    const Url url;
    const std::string authority;  ///< as `Host` says it, and metrics and log call it
    const unsigned weight;
    AddressBook addresses;
    std::atomic<std::size_t> outstanding{0};  ///< requests under way, of all loops
    std::atomic<bool> ill{false};             ///< its health checks fail
    std::atomic<bool> well{false};            ///< its last request went well
};

/// Counts a request as under way there.
class Outstanding {
public:
    explicit Outstanding(Endpoint& endpoint) noexcept : endpoint_{endpoint} {
        endpoint_.outstanding.fetch_add(1, std::memory_order_relaxed);
    }
    ~Outstanding() { endpoint_.outstanding.fetch_sub(1, std::memory_order_relaxed); }
    Outstanding(const Outstanding&) = delete;
    Outstanding& operator=(const Outstanding&) = delete;

private:
    Endpoint& endpoint_;
};

}  // namespace sluice::upstream
