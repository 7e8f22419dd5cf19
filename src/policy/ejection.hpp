// Which endpoints of a service get no requests for a while, since requests fail there and not elsewhere ("outlier
// detection"). Hides the counting; knows no clock and no I/O.
#pragma once

#include "sluice/deadline.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace sluice::policy {

/// One per service; any thread. An endpoint is ejected after so many failures in a row, or when its share of failures in an
/// interval is far above that of the others: more than their mean and three of their standard deviations. (Counting the
/// endpoint itself among them would hide it: of n values none is more than the root of n - 1 deviations above the mean.)
/// It comes back by itself; each time it is ejected again it stays away twice as long. At most half of the endpoints are
/// ejected at once, so a single one never is.
class Ejection {
public:
    struct Settings {
        unsigned failures = 5;                         ///< in a row
        std::size_t least_endpoints = 5;               ///< with fewer, shares are not compared
        unsigned least_requests = 20;                  ///< in an interval: an endpoint with fewer is not compared
        Duration interval = std::chrono::seconds{10};  ///< between comparisons
        Duration shortest = std::chrono::seconds{30};  ///< of the first ejection
        Duration longest = std::chrono::minutes{5};    ///< of any; so long without another one, and the next is short
        double least_deviation = 0.05;                 ///< smaller deviations count as this one: chance alone makes some
    };

    explicit Ejection(std::size_t endpoints) : Ejection{endpoints, Settings{}} {}
    Ejection(std::size_t endpoints, Settings settings);

    /// How a request went there. True: that ejects the endpoint.
    bool count(std::size_t endpoint, bool failed, TimePoint now);

    bool ejected(std::size_t endpoint, TimePoint now) const;
    std::size_t ejected_at(TimePoint now) const;
    std::size_t size() const noexcept { return endpoints_.size(); }

private:
    struct Endpoint {
        unsigned failures_in_a_row = 0;
        unsigned requests = 0;  // in this interval
        unsigned failures = 0;  // in this interval
        unsigned doublings = 0;
        TimePoint out_until = TimePoint::min();
    };
    bool eject(Endpoint& endpoint, TimePoint now);
    std::size_t count_ejected(TimePoint now) const;
    bool is_outlier(std::size_t endpoint) const;
    bool compare(std::size_t reported, TimePoint now);

    const Settings settings_;
    mutable std::mutex mutex_;  // guards what follows
    std::vector<Endpoint> endpoints_;
    TimePoint interval_began_ = TimePoint::min();
};

}  // namespace sluice::policy
