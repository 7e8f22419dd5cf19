// The addresses of one endpoint, as they were last found. Hides which of them is tried next.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice::upstream {

/// Any thread.
class AddressBook {
public:
    using Address = boost::asio::ip::tcp::endpoint;
    using Addresses = std::vector<Address>;

    /// Takes the place of those before; an empty list changes nothing: the last good ones stay.
    void replace(Addresses addresses);
    /// In the order in which they should be tried now: each call begins with another, those that failed come last.
    Addresses to_try();
    void failed(const Address& address);
    void worked(const Address& address);

    bool empty() const noexcept { return generation_.load(std::memory_order_relaxed) == 0; }
    /// Whether it is still one of them. Cheap as long as nothing was replaced since `seen`, which is brought up to date.
    bool has(const Address& address, std::uint64_t& seen) const;
    std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_relaxed); }

private:
    struct Entry {
        Address address;
        bool failed = false;
    };
    mutable std::mutex mutex_;  // guards the entries and `next_`
    std::vector<Entry> entries_;
    std::size_t next_ = 0;
    std::atomic<std::uint64_t> generation_{0};
};

}  // namespace sluice::upstream
