// How long to read on behind a connection's last answer, so that a client that is still sending comes to read it (RFC 9112
// section 9.6). Pure: the time is passed in.
#pragma once

#include "sluice/deadline.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sluice::policy {

class Lingering {
public:
    struct Limits {
        Duration silence{};       ///< without a byte
        Duration time{};          ///< in all, whatever comes
        Duration longest{};       ///< in all, while bytes come at `rate` on average
        std::uint64_t rate = 0;   ///< bytes a second
        std::uint64_t bytes = 0;  ///< in all
    };
    /// For a request that was refused while its body is on the way: what nginx allows by default, and more for an upload
    /// that is large and not slow.
    static constexpr Limits for_a_body{std::chrono::seconds{5}, std::chrono::seconds{30}, std::chrono::minutes{2},
                                       128 * 1024, 64 * 1024 * 1024};
    /// Where there are many, or nothing to wait for.
    static constexpr Limits in_short{std::chrono::seconds{1}, std::chrono::seconds{1}, std::chrono::seconds{1}, 0,
                                     1024 * 1024};

    Lingering(const Limits& limits, TimePoint now) noexcept : limits_{limits}, begun_{now}, last_{now} {}

    void discarded(std::uint64_t bytes, TimePoint now) noexcept {
        bytes_ += bytes;
        last_ = now;
    }

    /// More has come than a refused request is worth.
    bool over() const noexcept { return bytes_ >= limits_.bytes; }

    /// When to give up, unless more comes before.
    TimePoint due() const noexcept {
        auto time = limits_.time;
        if (limits_.rate > 0) {
            const std::chrono::seconds paid{bytes_ / limits_.rate};
            time = std::max(time, std::min<Duration>(paid, limits_.longest));
        }
        return std::min(last_ + limits_.silence, begun_ + time);
    }

private:
    Limits limits_;
    TimePoint begun_;
    TimePoint last_;
    std::uint64_t bytes_ = 0;
};

}  // namespace sluice::policy
