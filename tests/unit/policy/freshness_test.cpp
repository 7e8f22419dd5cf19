#include "policy/freshness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sluice::policy {

using namespace std::chrono_literals;

namespace {

constexpr TimePoint loaded{1h};

// A value that is fresh for as long as its ttl lasts, and a coherence that has just polled; each case changes something.
struct Case {
    std::string name;
    Freshness expected;
    Duration age = 1s;
    Duration poll_age = 100ms;
    bool polled = true;
    bool polls_fail = true;
    bool enabled = true;
    bool tagged = true;
    bool labelled = true;
    std::uint64_t xmin = 100;
    std::vector<std::int64_t> seen = {};
    std::uint64_t horizon = 0;
    std::vector<Invalidation> relevant = {};
    Duration ttl = 60s;
    Duration stale = 1h;
    Duration revalidate = 0s;
};

Freshness judge(const Case& c) {
    const auto now = loaded + c.age;
    const CachedValue value{loaded, c.ttl, c.stale, c.revalidate, 5s, c.tagged, c.labelled, c.xmin, c.seen};
    Coherence coherence;
    coherence.enabled = c.enabled;
    coherence.horizon = c.horizon;
    coherence.polls_fail = c.polls_fail;
    if (c.polled) coherence.last_poll_sent = now - c.poll_age;
    return judge_freshness(now, value, coherence, c.relevant);
}

}  // namespace

TEST(Freshness, FollowsTheTable) {
    const auto fresh = Freshness::fresh;
    const auto stale = Freshness::stale;
    const auto unusable = Freshness::unusable;
    const Invalidation unseen{7, 100};
    const Case cases[] = {
        {.name = "just loaded", .expected = fresh, .age = 0s},
        {.name = "loaded after now, by another thread's clock reading", .expected = fresh, .age = -1ms},

        // Time to live.
        {.name = "last moment of the ttl", .expected = fresh, .age = 60s - 1ns},
        {.name = "ttl over", .expected = stale, .age = 60s},
        {.name = "last moment of stale", .expected = stale, .age = 60s + 1h - 1ns},
        {.name = "stale over", .expected = unusable, .age = 60s + 1h},
        {.name = "no stale time", .expected = unusable, .age = 60s, .stale = 0s},
        {.name = "endless stale time", .expected = stale, .age = 1000h, .stale = Duration::max()},
        // Served while it is loaded anew.
        {.name = "within revalidate", .expected = Freshness::refresh, .age = 60s, .revalidate = 10s},
        {.name = "last moment of revalidate", .expected = Freshness::refresh, .age = 70s - 1ns, .revalidate = 10s},
        {.name = "revalidate over", .expected = stale, .age = 70s, .revalidate = 10s},
        {.name = "revalidate over, no stale time", .expected = unusable, .age = 70s, .stale = 0s, .revalidate = 10s},
        {.name = "revalidate outlives stale", .expected = Freshness::refresh, .age = 65s, .stale = 1s, .revalidate = 10s},
        {.name = "within revalidate, but outdated", .expected = stale, .age = 65s, .relevant = {unseen}, .revalidate = 10s},
        {.name = "outdated, and past its stale time, within revalidate",
         .expected = unusable,
         .age = 65s,
         .relevant = {unseen},
         .stale = 1s,
         .revalidate = 10s},
        {.name = "within revalidate, polls fail", .expected = stale, .age = 65s, .poll_age = 1s, .revalidate = 10s},
        {.name = "within revalidate, disabled",
         .expected = Freshness::refresh,
         .age = 65s,
         .enabled = false,
         .revalidate = 10s},
        {.name = "ttl of nothing", .expected = stale, .age = 0s, .ttl = 0s},

        // Without the schema: ttl only.
        {.name = "disabled: neither polls nor labels count",
         .expected = fresh,
         .polled = false,
         .enabled = false,
         .labelled = false,
         .horizon = 1000},
        {.name = "disabled: what was heard before its load does not count",
         .expected = fresh,
         .enabled = false,
         .labelled = false,
         .relevant = {Invalidation{0, 0, loaded - 1ms}}},
        {.name = "disabled: what was heard after its load does",
         .expected = stale,
         .enabled = false,
         .labelled = false,
         .relevant = {Invalidation{0, 0, loaded + 1ms}}},
        {.name = "disabled: ttl over", .expected = stale, .age = 60s, .enabled = false},
        {.name = "disabled: stale over", .expected = unusable, .age = 2h, .enabled = false},

        // Untagged values: ttl, and purges by glob.
        {.name = "untagged: polls do not matter",
         .expected = fresh,
         .age = 59s,
         .poll_age = 1h,
         .tagged = false,
         .labelled = false,
         .horizon = 1000},
        {.name = "untagged: never polled", .expected = fresh, .polled = false, .tagged = false, .labelled = false},
        {.name = "untagged: purged after its load",
         .expected = stale,
         .tagged = false,
         .labelled = false,
         .relevant = {{7, 5, loaded + 1ns}}},
        {.name = "untagged: purged as it was loaded",
         .expected = stale,
         .tagged = false,
         .labelled = false,
         .relevant = {{7, 5, loaded}}},
        {.name = "untagged: purged before its load",
         .expected = fresh,
         .tagged = false,
         .labelled = false,
         .relevant = {{7, 500, loaded - 1ns}}},
        {.name = "untagged: purge at an unknown moment",
         .expected = stale,
         .tagged = false,
         .labelled = false,
         .relevant = {{7, 5}}},

        // The label.
        {.name = "tagged without a label", .expected = stale, .labelled = false},
        {.name = "invalidation below xmin", .expected = fresh, .relevant = {{7, 99}}},
        {.name = "invalidation at xmin, not seen", .expected = stale, .relevant = {{7, 100}}},
        {.name = "invalidation at xmin, seen", .expected = fresh, .seen = {7}, .relevant = {{7, 100}}},
        {.name = "invalidation above xmin, seen", .expected = fresh, .seen = {3, 7}, .relevant = {{7, 105}}},
        {.name = "another id seen", .expected = stale, .seen = {6, 8}, .relevant = {{7, 105}}},
        {.name = "one of many not seen",
         .expected = stale,
         .seen = {7, 8},
         .relevant = {{5, 20}, {7, 101}, {8, 102}, {9, 103}}},
        {.name = "all of many seen or below",
         .expected = fresh,
         .seen = {7, 8, 9},
         .relevant = {{5, 20}, {7, 101}, {8, 102}, {9, 103}}},
        {.name = "label fails and ttl over", .expected = stale, .age = 61s, .relevant = {unseen}},
        {.name = "label fails and stale over", .expected = unusable, .age = 2h, .relevant = {unseen}},

        // The horizon.
        {.name = "label at the horizon", .expected = fresh, .horizon = 100},
        {.name = "label before the horizon", .expected = stale, .horizon = 101},

        // The polls.
        {.name = "polled as long ago as the bound", .expected = fresh, .age = 30s, .poll_age = 500ms},
        {.name = "polled longer ago, old value", .expected = stale, .age = 30s, .poll_age = 500ms + 1ns},
        {.name = "polled longer ago, value within grace", .expected = fresh, .age = 5s, .poll_age = 10s},
        {.name = "polled longer ago, value beyond grace", .expected = stale, .age = 5s + 1ns, .poll_age = 10s},
        {.name = "polled longer ago, but polls do not fail",
         .expected = stale,
         .poll_age = 500ms + 1ns,
         .polls_fail = false},
        {.name = "polled in time, and polls do not fail", .expected = fresh, .poll_age = 500ms, .polls_fail = false},
        {.name = "polled in time, though polls fail since", .expected = fresh, .age = 30s, .poll_age = 500ms},
        {.name = "never polled, value within grace", .expected = fresh, .age = 4s, .polled = false},
        {.name = "never polled, old value", .expected = stale, .age = 6s, .polled = false},
        {.name = "grace does not outlive the ttl", .expected = stale, .age = 2s, .poll_age = 10s, .ttl = 1s},
        {.name = "grace does not excuse the label", .expected = stale, .poll_age = 10s, .relevant = {unseen}},
        {.name = "grace does not excuse the horizon", .expected = stale, .poll_age = 10s, .horizon = 101},
    };
    for (const auto& c : cases) EXPECT_EQ(judge(c), c.expected) << c.name;
}

namespace {

// What is taken out of the rule, to see that the checker would notice.
enum class Without {
    nothing,          // the rule as it is
    label,            // known invalidations are not compared
    poll_age,         // as if the last poll had just been sent
    horizon,          // as if everything were remembered
    running_writers,  // the label says xmax where it must say xmin: xids are taken to commit in order
};

// A database with its true history, one polling instance, loads from the primary and lagging standbys. Time in ms.
class World {
public:
    World(unsigned seed, Without without) : random_{seed}, without_{without} {}

    struct Tally {
        int judged = 0;
        int fresh = 0;
        int violations = 0;
    };

    Tally run(int steps) {
        for (int i = 0; i < steps; ++i) step();
        return tally_;
    }

private:
    static constexpr int tags = 3;
    static constexpr std::size_t remembered = 8;
    static constexpr int bound = 500;
    static constexpr int grace = 1000;
    static constexpr int longest_lag = 1500;

    struct Writer {
        std::uint64_t xid;
        std::int64_t id;  // of the invalidation it writes
        int tag;
        int begun;            // event
        int ended = 1 << 30;  // event; far: still running
        bool committed = false;
        int answered = 0;  // time
    };
    struct Snapshot {
        int event;
        std::uint64_t xmin;
        std::uint64_t xmax;
    };
    struct Load {
        int tag;
        int started;  // time
        bool primary;
        std::optional<Snapshot> snapshot;
    };
    struct Poll {
        int sent;  // time
        std::optional<Snapshot> snapshot;
    };
    struct Cached {
        Load load;
        std::vector<std::int64_t> seen;
    };

    int roll(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    static TimePoint at(int time) { return TimePoint{std::chrono::milliseconds{time}}; }

    // The history is made of events; a snapshot is a moment between two of them.
    int record() {
        event_times_.push_back(now_);
        return static_cast<int>(event_times_.size());
    }
    Snapshot snapshot(int event) const {
        Snapshot result{event, 0, first_xid};
        for (const auto& writer : writers_) {
            if (writer.begun <= event) result.xmax = writer.xid + 1;
        }
        result.xmin = result.xmax;
        for (const auto& writer : writers_) {
            if (writer.begun <= event && writer.ended > event) result.xmin = std::min(result.xmin, writer.xid);
        }
        return result;
    }
    Snapshot primary_snapshot() const { return snapshot(static_cast<int>(event_times_.size())); }
    Snapshot standby_snapshot() {
        const int replayed_until = now_ - roll(longest_lag);
        const auto end = std::upper_bound(event_times_.begin(), event_times_.end(), replayed_until);
        return snapshot(static_cast<int>(end - event_times_.begin()));
    }
    static bool visible(const Writer& writer, const Snapshot& snapshot) {
        return writer.committed && writer.ended <= snapshot.event;
    }

    void step() {
        now_ += roll(30);
        if (now_ > outage_until_ && roll(300) == 0) outage_until_ = now_ + roll(4000);
        switch (roll(6)) {
            case 0:
                begin_write();
                break;
            case 1:
                end_write();
                break;
            case 2:
                start_load();
                break;
            default:
                advance_load();
                break;
        }
        advance_poll();
        for (int tag = 0; tag < tags; ++tag) check(tag);
    }

    void begin_write() {
        if (running_.size() > 4 || roll(4) != 0) return;
        const auto xid = first_xid + writers_.size();
        running_.push_back(writers_.size());
        // Ids are taken when the row is inserted: in another order than xids here and there, but each only once.
        writers_.push_back({xid, static_cast<std::int64_t>(xid ^ 3u), roll(tags), record()});
    }
    void end_write() {
        if (running_.empty() || roll(3) != 0) return;
        const auto i = static_cast<std::ptrdiff_t>(roll(static_cast<int>(running_.size())));
        auto& writer = writers_[running_[static_cast<std::size_t>(i)]];
        running_.erase(running_.begin() + i);
        writer.ended = record();
        writer.committed = roll(6) != 0;
        writer.answered = now_;
    }

    void start_load() {
        if (loads_.size() < 4) loads_.push_back({roll(tags), now_, roll(2) == 0, {}});
    }
    void advance_load() {
        if (loads_.empty()) return;
        const auto i = static_cast<std::ptrdiff_t>(roll(static_cast<int>(loads_.size())));
        auto& load = loads_[static_cast<std::size_t>(i)];
        if (!load.snapshot) {
            load.snapshot = load.primary ? primary_snapshot() : standby_snapshot();
            return;
        }
        Cached cached{load, {}};
        for (const auto& writer : writers_) {
            if (writer.tag == load.tag && writer.xid >= load.snapshot->xmin && visible(writer, *load.snapshot)) {
                cached.seen.push_back(writer.id);
            }
        }
        cache_.insert_or_assign(load.tag, std::move(cached));  // an older load may overwrite a newer one
        loads_.erase(loads_.begin() + i);
    }

    void advance_poll() {
        if (!poll_) {
            if (now_ - last_poll_tried_ >= 100) {
                poll_ = Poll{now_, {}};
                last_poll_tried_ = now_;
            }
        } else if (!poll_->snapshot) {
            if (roll(2) == 0) poll_->snapshot = primary_snapshot();
        } else if (now_ < outage_until_) {
            poll_.reset();  // its answer is lost
        } else if (roll(2) == 0) {
            learn(*poll_->snapshot);
            last_poll_sent_ = poll_->sent;
            poll_.reset();
        }
    }
    void learn(const Snapshot& polled) {
        for (const auto& writer : writers_) {
            const bool is_new = !last_polled_ || (writer.xid >= last_polled_->xmin && !visible(writer, *last_polled_));
            if (is_new && visible(writer, polled)) known_.push_back(writer);
        }
        last_polled_ = polled;
        while (known_.size() > remembered) {
            const auto oldest =
                std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) { return a.xid < b.xid; });
            horizon_ = std::max(horizon_, oldest->xid + 1);
            known_.erase(oldest);
        }
    }

    void check(int tag) {
        const auto found = cache_.find(tag);
        if (found == cache_.end()) return;
        const auto& load = found->second.load;
        const auto& seen = found->second.seen;
        const bool polls_work = last_poll_sent_ && now_ - *last_poll_sent_ <= bound;

        CachedValue value{at(load.started),    1h,  1h, Duration{0}, std::chrono::milliseconds{grace}, true, true,
                          load.snapshot->xmin, seen};
        Coherence coherence{true, std::nullopt, true, horizon_, std::chrono::milliseconds{bound}};
        if (last_poll_sent_) coherence.last_poll_sent = at(*last_poll_sent_);
        std::vector<Invalidation> relevant;
        for (const auto& writer : known_) {
            if (writer.tag == tag) relevant.push_back({writer.id, writer.xid});
        }
        if (without_ == Without::label) relevant.clear();
        if (without_ == Without::poll_age) coherence.last_poll_sent = at(now_);
        if (without_ == Without::horizon) coherence.horizon = 0;
        if (without_ == Without::running_writers) value.xmin = load.snapshot->xmax;

        ++tally_.judged;
        if (judge_freshness(at(now_), value, coherence, relevant) != Freshness::fresh) return;
        ++tally_.fresh;
        // While polls fail, the promise is what the load's start gives: its age, and its server's lag.
        const int behind = polls_work ? bound : grace + (load.primary ? 0 : longest_lag);
        const bool violated = std::any_of(writers_.begin(), writers_.end(), [&](const Writer& writer) {
            return writer.tag == tag && writer.committed && writer.answered < now_ - behind &&
                   !visible(writer, *load.snapshot);
        });
        if (violated) ++tally_.violations;
    }

    static constexpr std::uint64_t first_xid = 1000;
    std::mt19937 random_;
    Without without_;
    int now_ = 0;
    int outage_until_ = -1;

    std::vector<int> event_times_;
    std::vector<Writer> writers_;  // in the order of their xids
    std::vector<std::size_t> running_;

    std::optional<Poll> poll_;
    int last_poll_tried_ = -1000;
    std::optional<int> last_poll_sent_;
    std::optional<Snapshot> last_polled_;
    std::vector<Writer> known_;
    std::uint64_t horizon_ = 0;

    std::vector<Load> loads_;
    std::map<int, Cached> cache_;
    Tally tally_;
};

World::Tally run_worlds(Without without) {
    World::Tally sum;
    for (unsigned seed = 0; seed < 60; ++seed) {
        const auto tally = World{seed, without}.run(2500);
        sum.judged += tally.judged;
        sum.fresh += tally.fresh;
        sum.violations += tally.violations;
    }
    return sum;
}

}  // namespace

TEST(Freshness, AFreshAnswerIsNeverFurtherBehindThanTheBound) {
    const auto tally = run_worlds(Without::nothing);
    EXPECT_EQ(tally.violations, 0);
    EXPECT_GT(tally.fresh, tally.judged / 4) << "of " << tally.judged << ": a rule that is never fresh would prove nothing";
    EXPECT_LT(tally.fresh, tally.judged * 9 / 10);
}

TEST(Freshness, WithoutAnyOneOfItsPartsTheCheckerFindsViolations) {
    EXPECT_GT(run_worlds(Without::label).violations, 0);
    EXPECT_GT(run_worlds(Without::poll_age).violations, 0);
    EXPECT_GT(run_worlds(Without::horizon).violations, 0);
    EXPECT_GT(run_worlds(Without::running_writers).violations, 0);
}

}  // namespace sluice::policy
