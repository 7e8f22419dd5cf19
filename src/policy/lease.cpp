#include "policy/lease.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::policy {

using std::chrono::nanoseconds;

namespace {

constexpr int averaged_lives = 4;
constexpr nanoseconds longest_denial = std::chrono::seconds{2};
// The last eighth of a lease lasts a thirty-second of a life or more, some milliseconds: longer than an answer takes.
constexpr std::uint64_t low_part = 8;
constexpr std::uint64_t smallest_renewed = 64;

}  // namespace

bool Lease::spend(BootMoment now, std::uint64_t cost) noexcept {
    if (!holds(now, cost)) return false;
    const auto of_older = std::min(cost, older_.usable(now));
    older_.left -= of_older;
    newer_.left -= cost - of_older;
    return true;
}

bool Lease::runs_low(BootMoment now) const noexcept {
    if (asking_ || low_mark_ == 0 || now < denied_until_) return false;
    const auto left = held(now);
    return left > 0 && left <= low_mark_;
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
        // Added to what is left of the last one, but kept with its own life. There is no room for a third.
        older_ = older_.usable(now) > 0 && newer_.usable(now) == 0 ? older_ : newer_;
        newer_ = {grant.granted, sent + life - life / 1000};
        low_mark_ = grant.granted < smallest_renewed ? 0 : grant.granted / low_part;
        denied_until_ = BootMoment::zero();
        return;
    }
    retry_at_ = now + grant.retry;
    denied_until_ = now + std::max(life / 2, std::min<nanoseconds>(grant.retry, longest_denial));
    denied_cost_ = cost;
}

std::uint64_t Lease::remaining(BootMoment now) const noexcept { return remaining_ + held(now); }

nanoseconds Lease::reset(BootMoment now) const noexcept { return std::max(nanoseconds::zero(), reset_at_ - now); }

nanoseconds Lease::retry(BootMoment now) const noexcept { return std::max(nanoseconds::zero(), retry_at_ - now); }

bool Lease::idle(BootMoment now) const noexcept {
    return !asking_ && now >= denied_until_ && now >= idle_from_ && now >= older_.usable_until && now >= newer_.usable_until;
}

}  // namespace sluice::policy
