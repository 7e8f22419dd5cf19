// The instance's side of a rate limit that is leased: a few tokens of a key's window, for a quarter of a second, instead of
// a question to the store per request. Hides when a token may be used, how many to ask for, and how long a refusal is
// believed.
//
// The store books what it grants until H = window + life + guard after the grant (see LeaseTerms), and never has more than
// the limit booked. So in any window that the first and the last use of tokens span, the last grant came less than
// window + life after the first, whose booking still counted: never more than the limit is admitted. It rests on two rules
// kept here. A token's life counts from before the question was sent, on a clock that goes on while the machine sleeps. And
// whatever an unanswered question may have been granted is taken for spent: nothing is asked twice or given back.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::policy {

/// A moment, since the machine's boot (CLOCK_BOOTTIME).
using BootMoment = std::chrono::nanoseconds;

/// What follows from a window's length.
struct LeaseTerms {
    std::chrono::microseconds window{0};
    std::chrono::microseconds life{0};    ///< of a lease: a fortieth of the window, at most 250 ms
    std::chrono::microseconds bucket{0};  ///< grants are booked until multiples of it: a six-hundredth of the window
    std::chrono::microseconds guard{0};   ///< by how much the store's clock may run ahead: at least 20 ms or 0.2 %
    std::chrono::microseconds hold{0};    ///< how long the store books a grant: window + life + guard

    static constexpr LeaseTerms of(std::chrono::microseconds window) noexcept {
        using std::chrono::microseconds;
        using std::chrono::milliseconds;
        LeaseTerms terms;
        terms.window = window;
        terms.life = std::min<microseconds>(milliseconds{250}, window / 40);
        terms.bucket = std::max(microseconds{1}, window / 600);
        terms.guard = std::max<microseconds>(milliseconds{20}, window / 500);
        terms.hold = terms.window + terms.life + terms.guard;
        return terms;
    }
};

/// What the store answered.
struct LeaseGrant {
    std::uint64_t granted = 0;           ///< tokens; none: not even the cost asked for is left
    std::uint64_t remaining = 0;         ///< what is left for everybody afterwards
    std::chrono::microseconds reset{0};  ///< until the oldest booking is dropped
    std::chrono::microseconds retry{0};  ///< nothing granted: until the cost asked for would be
};

/// One key's window in one instance. Not thread-safe; knows no clock.
///
///     lease.arrived(cost);
///     if (lease.denies(now, cost)) …reject, for lease.retry(now)…
///     else if (lease.spend(now, cost)) …admit, and if (lease.runs_low(now)) ask the store meanwhile…
///     else if (lease.asking()) …wait for the answer and try again…
///     else { ask the store for lease.ask(now, cost, waiting); then lease.answered(…) or lease.unanswered(); try again }
class Lease {
public:
    /// A request that costs as much wants to be admitted, whatever comes of it: for the rate. Once per request.
    void arrived(std::uint64_t cost) noexcept { arrived_ += cost; }
    /// Uses `cost` tokens if as many are held and alive.
    bool spend(BootMoment now, std::uint64_t cost) noexcept;
    /// Whether `cost` tokens could be spent.
    bool holds(BootMoment now, std::uint64_t cost) const noexcept { return held(now) >= cost; }
    /// Whether it is time to ask for more although some are left, so that nobody has to wait for the answer. Not of a lease
    /// so small that its last tokens would rather be wasted, and not while a question is under way.
    bool runs_low(BootMoment now) const noexcept;

    /// Whether nothing is held for such a cost, and the store has said recently enough that there is nothing left for it.
    bool denies(BootMoment now, std::uint64_t cost) const noexcept {
        return now < denied_until_ && cost >= denied_cost_ && !holds(now, cost);
    }

    /// One question at a time.
    bool asking() const noexcept { return asking_; }
    /// How many tokens to ask for, of which `cost` at least are needed: what this request and those that wait (`waiting`
    /// tokens) cost, or what half a life's requests will if they keep coming as they did, but then at most a hundredth of
    /// the limit, so that a client who stops in the middle of a lease loses no more than that.
    std::uint64_t ask(BootMoment now, std::uint64_t cost, std::uint64_t waiting, std::uint64_t limit,
                      const LeaseTerms& terms) noexcept;
    /// `sent`: read before the question was sent. `now`: when the answer is here.
    void answered(BootMoment sent, BootMoment now, std::uint64_t cost, const LeaseGrant& grant,
                  const LeaseTerms& terms) noexcept;
    /// There is no answer, and there will be none.
    void unanswered() noexcept { asking_ = false; }

    /// What a client may be told is left: the store's last word and what is held here.
    std::uint64_t remaining(BootMoment now) const noexcept;
    /// Until the oldest booking is dropped, as of the store's last word.
    std::chrono::nanoseconds reset(BootMoment now) const noexcept;
    /// Until a request that is denied would be admitted.
    std::chrono::nanoseconds retry(BootMoment now) const noexcept;

    /// Whether forgetting it changes nothing: no tokens, no question, no refusal that is still believed, and no requests
    /// for a few lives, so that it would ask for one token anyhow.
    bool idle(BootMoment now) const noexcept;

private:
    /// Those of one grant.
    struct Tokens {
        std::uint64_t left = 0;
        BootMoment usable_until{0};
        std::uint64_t usable(BootMoment now) const noexcept { return now < usable_until ? left : 0; }
    };
    std::uint64_t held(BootMoment now) const noexcept { return older_.usable(now) + newer_.usable(now); }
    void fold_rate(BootMoment now, const LeaseTerms& terms) noexcept;

    Tokens older_, newer_;        // each with its own life; the older ones are used first
    std::uint64_t low_mark_ = 0;  // when as few are left it is time to ask
    BootMoment denied_until_{0};
    std::uint64_t denied_cost_ = 0;
    BootMoment retry_at_{0};
    BootMoment reset_at_{0};
    std::uint64_t remaining_ = 0;  // after the last grant, for everybody
    bool asking_ = false;

    double rate_ = 0;            // tokens per nanosecond, an average over four lives
    std::uint64_t arrived_ = 0;  // tokens wanted since it was last folded in
    BootMoment folded_at_{0};
    BootMoment idle_from_{0};
};

/// This instance's share of a limit while the store is away: limit / instances, but never less than 1.
constexpr std::uint64_t local_share(std::uint64_t limit, std::uint64_t instances) noexcept {
    if (limit == 0) return 0;
    const auto share = limit / (instances == 0 ? 1 : instances);
    return share == 0 ? 1 : share;
}

}  // namespace sluice::policy
