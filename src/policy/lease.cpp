#include "policy/lease.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::policy {

using std::chrono::nanoseconds;

namespace {

constexpr int averaged_lives = 4;
constexpr nanoseconds longest_denial = std::chrono::seconds{2};

}  // namespace

bool Lease::spend(BootMoment now, std::uint64_t cost) noexcept {
    if (!holds(now, cost)) return false;
    tokens_ -= cost;
    return true;
}

void Lease::fold_rate(BootMoment now, const LeaseTerms& terms) noexcept {
    const nanoseconds elapsed = now - folded_at_;
    if (elapsed <= nanoseconds::zero()) return;
    const auto averaged = static_cast<double>(nanoseconds{averaged_lives * terms.life}.count());
    const auto nanos = static_cast<double>(elapsed.count());
    const double kept = std::exp(-nanos / averaged);
    rate_ = rate_ * kept + static_cast<double>(arrived_) / nanos * (1 - kept);
    arrived_ = 0;
    folded_at_ = now;
}

std::uint64_t Lease::ask(BootMoment now, std::uint64_t cost, std::uint64_t waiting, std::uint64_t limit,
                         const LeaseTerms& terms) noexcept {
    fold_rate(now, terms);
    asking_ = true;
    const auto half_a_life = static_cast<double>(nanoseconds{terms.life}.count()) / 2;
    // Rounded down: a token more than will be needed is wasted, and keys that are nearly cold are the most.
    const auto expected = static_cast<std::uint64_t>(rate_ * half_a_life);
    return std::max({std::uint64_t{1}, cost + waiting, std::min(expected, limit / 100)});
}

void Lease::answered(BootMoment sent, BootMoment now, std::uint64_t cost, const LeaseGrant& grant,
                     const LeaseTerms& terms) noexcept {
    asking_ = false;
    const nanoseconds life = terms.life;
    idle_from_ = now + averaged_lives * life;
    remaining_ = grant.remaining;
    reset_at_ = now + grant.reset;
    if (grant.granted > 0) {
        // What an earlier lease has left is dropped, not added: it would have to be kept with its own, shorter life.
        tokens_ = grant.granted;
        usable_until_ = sent + life - life / 1000;
        denied_until_ = BootMoment::zero();
        return;
    }
    retry_at_ = now + grant.retry;
    denied_until_ = now + std::max(life / 2, std::min<nanoseconds>(grant.retry, longest_denial));
    denied_cost_ = cost;
}

std::uint64_t Lease::remaining(BootMoment now) const noexcept { return remaining_ + (now < usable_until_ ? tokens_ : 0); }

nanoseconds Lease::reset(BootMoment now) const noexcept { return std::max(nanoseconds::zero(), reset_at_ - now); }

nanoseconds Lease::retry(BootMoment now) const noexcept { return std::max(nanoseconds::zero(), retry_at_ - now); }

bool Lease::idle(BootMoment now) const noexcept {
    return !asking_ && now >= denied_until_ && now >= idle_from_ && now >= usable_until_;
}

}  // namespace sluice::policy
