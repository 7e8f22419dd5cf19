// Several instances that lease tokens of one key from one store, in simulated time: requests and replies are late, lost and
// doubled, processes freeze and crash, clocks drift, and some clients do their worst. Hides the event queue.
#pragma once

#include "policy/lease.hpp"
#include "support/lease_ledger.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <random>
#include <vector>

namespace sluice::test {

class LeaseSimulation {
public:
    using Time = std::chrono::nanoseconds;  // true time

    /// Mistakes that a test of the test plants.
    enum class Bug {
        none,
        life_from_reply,    // a token's life counts from the reply
        hold_without_life,  // the store books for window + guard only
        retry_with_refund,  // an unanswered question is asked again, and the first one's tokens given back though it may
                            // come
    };

    struct Settings {
        std::uint64_t limit = 100;
        std::chrono::milliseconds window{1'000};
        unsigned instances = 4;
        double demand = 3;   // times the limit that all clients together want
        bool faults = true;  // lost, doubled and late messages, freezes, crashes
        bool drift = true;   // clocks
        double adversaries =
            .5;  // the part of the instances whose clients hold back until a lease's last moment, then burst
        Time length = std::chrono::seconds{60};
        Bug bug = Bug::none;
        std::uint64_t seed = 1;
    };

    struct Outcome {
        std::uint64_t steps = 0;       // events
        std::uint64_t admitted = 0;    // tokens
        std::uint64_t calls = 0;       // questions the store has answered
        std::uint64_t violations = 0;  // admissions that ended a window with more than the limit
        std::uint64_t most = 0;        // tokens in the fullest window
        double utilisation = 0;        // admitted / what the limit allows, without the first window
    };

    explicit LeaseSimulation(Settings settings)
        : settings_{settings}, terms_{policy::LeaseTerms::of(settings.window)}, random_{settings.seed} {
        store_terms_ = terms_;
        if (settings_.bug == Bug::hold_without_life) store_terms_.hold = terms_.window + terms_.guard;
        for (unsigned i = 0; i < settings_.instances; ++i) {
            Instance instance;
            instance.rate = settings_.drift ? 1 + uniform(-300e-6, 300e-6) : 1;
            instance.adversary = i < settings_.adversaries * settings_.instances;
            instances_.push_back(instance);
        }
        store_rate_ = settings_.drift ? 1 + uniform(0, 500e-6) : 1;
    }

    Outcome run() {
        for (std::size_t i = 0; i < instances_.size(); ++i) arrive_later(i);
        if (settings_.faults) disturb_later();
        while (!events_.empty() && events_.top().at <= settings_.length) {
            auto event = events_.top();
            events_.pop();
            now_ = event.at;
            ++outcome_.steps;
            event.act();
        }
        const double windows = std::chrono::duration<double>(settings_.length - settings_.window) / settings_.window;
        outcome_.utilisation = static_cast<double>(later_) / (static_cast<double>(settings_.limit) * windows);
        return outcome_;
    }

private:
    struct Instance {
        policy::Lease lease;
        double rate = 1;  // of its clock
        bool adversary = false;
        bool holds_back = false;
        Time frozen_until{0};
        std::uint64_t life = 0;      // counts crashes: what came before concerns nobody
        std::uint64_t question = 0;  // counts the questions
        std::uint64_t waiting = 0;
    };
    struct Event {
        Time at;
        std::uint64_t order;
        std::function<void()> act;
        bool operator<(const Event& other) const noexcept { return at != other.at ? at > other.at : order > other.order; }
    };

    double uniform(double from, double to) { return std::uniform_real_distribution<double>{from, to}(random_); }
    bool chance(double probability) { return uniform(0, 1) < probability; }
    Time exponential(Time mean) {
        const std::exponential_distribution<double>::param_type rate{1 / static_cast<double>(mean.count())};
        return Time{1 + static_cast<std::int64_t>(std::exponential_distribution<double>{rate}(random_))};
    }
    void at(Time when, std::function<void()> act) { events_.push({std::max(when, now_), order_++, std::move(act)}); }
    void after(Time delay, std::function<void()> act) { at(now_ + delay, std::move(act)); }
    /// On an instance: not while it is frozen.
    void on(std::size_t i, Time when, std::function<void()> act) {
        at(when, [this, i, act = std::move(act)] {
            if (now_ < instances_[i].frozen_until) return on(i, instances_[i].frozen_until, act);
            act();
        });
    }
    policy::BootMoment clock_of(const Instance& instance) const {
        return policy::BootMoment{static_cast<std::int64_t>(static_cast<double>(now_.count()) * instance.rate)} +
               std::chrono::hours{1};
    }
    std::int64_t store_clock() const {
        return static_cast<std::int64_t>(static_cast<double>(now_.count()) / 1e3 * store_rate_) + 1'700'000'000'000'000;
    }

    // ---- clients ----
    void arrive_later(std::size_t i) {
        const double per_second = settings_.demand * static_cast<double>(settings_.limit) /
                                  std::chrono::duration<double>(settings_.window).count() / settings_.instances;
        if (instances_[i].adversary) return attack(i);
        on(i, now_ + exponential(Time{static_cast<std::int64_t>(1e9 / per_second)}), [this, i] {
            request(i);
            arrive_later(i);
        });
    }

    /// Takes all that there is, uses it at the last moment, and comes back when the store first drops it.
    void attack(std::size_t i) {
        const auto started = store_clock();
        instances_[i].holds_back = true;
        for (std::uint64_t k = 0; k < settings_.limit; ++k) request(i);
        const auto bucket = store_terms_.bucket.count();
        const auto dropped = (started + store_terms_.hold.count() + bucket - 1) / bucket * bucket;
        const auto wait = static_cast<double>(dropped - started) / store_rate_;
        const auto again = now_ + Time{static_cast<std::int64_t>(wait * 1e3) + 1'000};
        on(i, again, [this, i] {
            instances_[i].holds_back = false;
            for (std::uint64_t k = 0; k < settings_.limit; ++k) request(i);
            on(i, now_ + Time{terms_.hold} + exponential(Time{terms_.window} / 4), [this, i] { attack(i); });
        });
    }

    void request(std::size_t i) {
        auto& instance = instances_[i];
        const auto now = clock_of(instance);
        instance.lease.arrived(1);
        if (instance.holds_back && instance.lease.holds(now, 1)) return spend_late(i);
        if (instance.lease.denies(now, 1)) return;
        if (instance.lease.spend(now, 1)) {
            admit(1);
            if (instance.lease.runs_low(now)) ask(i);
            return;
        }
        ++instance.waiting;
        if (!instance.lease.asking()) ask(i);
    }

    void spend_late(std::size_t i) {
        const auto life = static_cast<double>(Time{terms_.life}.count());
        on(i, now_ + Time{static_cast<std::int64_t>(life * uniform(.9, .995))} - std::chrono::microseconds{300}, [this, i] {
            auto& instance = instances_[i];
            if (instance.lease.spend(clock_of(instance), 1)) admit(1);
        });
    }

    void admit(std::uint64_t tokens) {
        outcome_.admitted += tokens;
        if (now_ >= settings_.window) later_ += tokens;
        for (std::uint64_t k = 0; k < tokens; ++k) admissions_.push_back(now_);
        // A window is half open: what was admitted exactly one window ago does not count any more.
        while (admissions_.front() <= now_ - settings_.window) admissions_.pop_front();
        outcome_.most = std::max<std::uint64_t>(outcome_.most, admissions_.size());
        if (admissions_.size() > settings_.limit) ++outcome_.violations;
    }

    // ---- the store, and the way there and back ----
    void ask(std::size_t i) {
        auto& instance = instances_[i];
        const auto sent = clock_of(instance);
        const auto want =
            instance.lease.ask(sent, 1, std::max<std::uint64_t>(instance.waiting, 1) - 1, settings_.limit, terms_);
        const auto question = ++instance.question;
        const auto life = instance.life;
        const auto arrives = [this, i, want, sent, question, life] { answer(i, want, sent, question, life); };
        const auto lost = settings_.faults && chance(.01);
        if (!lost) after(delay(), arrives);
        if (settings_.faults && chance(.01)) after(delay(), arrives);  // doubled on its way
        on(i, now_ + patience, [this, i, question, life, want] { give_up(i, question, life, want); });
    }

    void answer(std::size_t i, std::uint64_t want, policy::BootMoment sent, std::uint64_t question, std::uint64_t life) {
        ++outcome_.calls;
        const auto grant = ledger_.grant(store_clock(), settings_.limit, want, 1, store_terms_);
        if (settings_.faults && chance(.01)) return;  // the reply is lost
        on(i, now_ + delay(), [this, i, grant, sent, question, life] { hear(i, grant, sent, question, life); });
    }

    void hear(std::size_t i, const policy::LeaseGrant& grant, policy::BootMoment sent, std::uint64_t question,
              std::uint64_t life) {
        auto& instance = instances_[i];
        const bool current = instance.life == life && instance.question == question && instance.lease.asking();
        const bool believes_any = settings_.bug == Bug::retry_with_refund && instance.life == life;
        if (!current && !believes_any) return;
        const auto now = clock_of(instance);
        instance.lease.answered(settings_.bug == Bug::life_from_reply ? now : sent, now, 1, grant, terms_);
        serve_waiting(i, grant.granted);
    }

    void give_up(std::size_t i, std::uint64_t question, std::uint64_t life, std::uint64_t want) {
        auto& instance = instances_[i];
        if (instance.life != life || instance.question != question || !instance.lease.asking()) return;
        instance.lease.unanswered();
        if (settings_.bug == Bug::retry_with_refund) {
            ledger_.refund(want);
            if (instance.waiting > 0) return ask(i);
        }
        instance.waiting = 0;  // they are told that the store is unavailable
    }

    void serve_waiting(std::size_t i, std::uint64_t granted) {
        auto& instance = instances_[i];
        const auto now = clock_of(instance);
        while (instance.waiting > 0 && !instance.holds_back && instance.lease.spend(now, 1)) {
            --instance.waiting;
            admit(1);
        }
        if (instance.holds_back) {
            for (auto k = std::min<std::uint64_t>(granted, instance.waiting); k > 0; --k) {
                --instance.waiting;
                spend_late(i);
            }
        }
        if (granted == 0) instance.waiting = 0;
        if (instance.waiting > 0 && !instance.lease.asking()) ask(i);
    }

    Time delay() {
        if (!settings_.faults || !chance(.02)) return exponential(std::chrono::microseconds{150});
        return exponential(std::chrono::milliseconds{30});
    }

    // ---- what happens to processes ----
    void disturb_later() {
        after(exponential(Time{settings_.window} / 2), [this] {
            const auto i = static_cast<std::size_t>(uniform(0, static_cast<double>(instances_.size())));
            auto& instance = instances_[std::min(i, instances_.size() - 1)];
            if (chance(.2)) {
                instance.lease = {};
                instance.waiting = 0;
                ++instance.life;
            } else {
                instance.frozen_until = now_ + exponential(Time{terms_.life} * 2);
            }
            disturb_later();
        });
    }

    static constexpr Time patience = std::chrono::milliseconds{50};

    const Settings settings_;
    const policy::LeaseTerms terms_;
    policy::LeaseTerms store_terms_;
    std::mt19937_64 random_;
    std::vector<Instance> instances_;
    LeaseLedger ledger_;
    double store_rate_ = 1;
    std::priority_queue<Event> events_;
    std::uint64_t order_ = 0;
    Time now_{0};
    std::deque<Time> admissions_;  // of the last window
    std::uint64_t later_ = 0;
    Outcome outcome_;
};

}  // namespace sluice::test
