#include "app/limits.hpp"

#include <utility>

namespace sluice::app {

Limits::Limits(const RateLimitSettings& settings, redis::Client* redis) {
    if (redis == nullptr) return;
    if (settings.strategy == RateLimitSettings::Strategy::leased) {
        leased_ = std::make_unique<redis::LeasedRateLimiter>(*redis);
    } else {
        log_ = std::make_unique<redis::RateLimiter>(*redis);
    }
    // What was admitted while Redis was away is charged as soon as it is back.
    auto charge = [this]() -> awaitable<void> {
        if (leased_) co_await leased_->charge();
    };
    instances_ = std::make_unique<redis::LiveInstances>(*redis, settings.expected_instances, std::move(charge));
}

void Limits::start() {
    if (instances_) instances_->start();
}

void Limits::stop() {
    if (instances_) instances_->stop();
}

middleware::RateLimitStep::Stores Limits::stores() {
    RateLimiter* shared = log_.get();
    if (leased_) shared = leased_.get();
    return {shared, local_, [this] { return instances_ ? instances_->count() : 1U; }};
}

void Limits::renamed() {
    if (instances_) instances_->beat_now();
}

void Limits::forget() {
    if (leased_) leased_->forget();
}

}  // namespace sluice::app
