#include "policy/ejection.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::policy {

Ejection::Ejection(std::size_t endpoints, Settings settings) : settings_{settings}, endpoints_(endpoints) {}

bool Ejection::count(std::size_t index, bool failed, TimePoint now) {
    const std::lock_guard lock{mutex_};
    if (interval_began_ == TimePoint::min()) interval_began_ = now;
    auto& endpoint = endpoints_[index];
    ++endpoint.requests;
    endpoint.failures += failed;
    endpoint.failures_in_a_row = failed ? endpoint.failures_in_a_row + 1 : 0;
    bool ejected = endpoint.failures_in_a_row >= settings_.failures && eject(endpoint, now);
    if (now - interval_began_ >= settings_.interval) {
        ejected = compare(index, now) || ejected;
        interval_began_ = now;
    }
    return ejected;
}

bool Ejection::ejected(std::size_t endpoint, TimePoint now) const {
    const std::lock_guard lock{mutex_};
    return now < endpoints_[endpoint].out_until;
}

std::size_t Ejection::ejected_at(TimePoint now) const {
    const std::lock_guard lock{mutex_};
    return count_ejected(now);
}

std::size_t Ejection::count_ejected(TimePoint now) const {
    const auto is_out = [&](const Endpoint& one) { return now < one.out_until; };
    return static_cast<std::size_t>(std::count_if(endpoints_.begin(), endpoints_.end(), is_out));
}

bool Ejection::eject(Endpoint& endpoint, TimePoint now) {
    if (now < endpoint.out_until) return false;  // what still fails there was sent before
    if ((count_ejected(now) + 1) * 2 > endpoints_.size()) return false;
    const bool been_well = endpoint.out_until == TimePoint::min() || now - endpoint.out_until >= settings_.longest;
    endpoint.doublings = been_well ? 0 : endpoint.doublings + 1;
    auto time = settings_.shortest;
    for (unsigned i = 0; i < endpoint.doublings && time < settings_.longest; ++i) time *= 2;
    endpoint.out_until = now + std::min(time, settings_.longest);
    endpoint.failures_in_a_row = 0;
    return true;
}

bool Ejection::is_outlier(std::size_t index) const {
    const auto share = [](const Endpoint& one) { return static_cast<double>(one.failures) / one.requests; };
    const auto& own = endpoints_[index];
    if (own.requests < settings_.least_requests) return false;
    double sum = 0;
    double squares = 0;
    double others = 0;
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        if (i == index || endpoints_[i].requests < settings_.least_requests) continue;
        sum += share(endpoints_[i]);
        squares += share(endpoints_[i]) * share(endpoints_[i]);
        ++others;
    }
    if (others + 1 < static_cast<double>(settings_.least_endpoints)) return false;
    const auto mean = sum / others;
    const auto deviation = std::max(settings_.least_deviation, std::sqrt(std::max(0.0, squares / others - mean * mean)));
    return share(own) > mean + 3 * deviation;
}

// Whether that ejected `reported`.
bool Ejection::compare(std::size_t reported, TimePoint now) {
    std::vector<std::size_t> outliers;
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        if (is_outlier(i)) outliers.push_back(i);
    }
    bool is_reported = false;
    for (const auto i : outliers) {
        if (eject(endpoints_[i], now) && i == reported) is_reported = true;
    }
    for (auto& one : endpoints_) one.requests = one.failures = 0;
    return is_reported;
}

}  // namespace sluice::policy
