// The rule of policy/freshness.hpp in worlds that are made up: a primary with its log, standbys that lag, one instance that
// polls, loads and caches, and a shared store that sometimes gives back what is long over. Each part of the rule is taken
// out in turn, and the check must notice.
#include "policy/freshness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <random>
#include <vector>

namespace sluice::policy {
namespace {

using namespace std::chrono_literals;

enum class Without {
    nothing,         // the rule as it is
    label,           // a standby's read is taken to contain the newest poll, however far the standby has replayed
    replay_order,    // a standby is asked how far it is after the read, not before
    insert_lsn,      // a poll tells how far the log is written, which may be before a commit that it contains
    running_label,   // a label without those that ran: ids are taken to commit in their order
    early_label,     // a label from the newest poll when the load is back, not from the load's own snapshot
    merged_maximum,  // one that ran is looked for among the exactly known ones alone
    horizon,         // as if everything were remembered
    base,            // a poll whose answer was lost counts as the last one
    skip_running,    // none of those that ran is taken to have ended since
    poll_age,        // the last answered poll is recent enough, whenever it was sent
};

/// Time in ms. The log's positions are counted in commits.
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
    static constexpr std::size_t tags = 6;  // the last ones are written seldom
    static constexpr int bound = 500;
    static constexpr int longest_lag = 1500;
    static constexpr int exact_for = 700;
    static constexpr std::uint64_t first_xid = 1000;

    struct Writer {
        std::uint64_t xid;
        std::size_t tag;
        std::size_t logged = 0;  // where its commit is in the log; 0: nowhere yet
        bool visible = false;
        int answered = 0;
        int wrote = 0;  // when its row was made
        bool purged = false;
    };
    /// What a read saw: of the primary a snapshot, of a standby how far it had replayed.
    struct Data {
        std::size_t tag = 0;
        bool standby = false;
        Snapshot snapshot;
        std::size_t replayed = 0;
    };
    struct Load {
        Data data;
        int stage = 0;
        bool slow = false;
        std::size_t told = 0;  // by the standby, when it was asked
    };
    struct Value {
        Data data;
        std::optional<Snapshot> label;
    };
    struct Poll {
        int sent;
        std::optional<Snapshot> snapshot;
        std::size_t lsn = 0;
    };
    struct Mark {
        Snapshot snapshot;
        std::size_t lsn;
    };
    struct Known {
        std::vector<std::pair<std::uint64_t, int>> exact;  // and when it was learned of
        std::uint64_t merged = 0;
    };

    int roll(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    std::size_t pick(std::size_t n) { return random_() % n; }
    static TimePoint at(int time) { return TimePoint{std::chrono::milliseconds{time}}; }

    bool ended(const Writer& writer) const { return writer.visible; }
    Snapshot snapshot() const {
        Snapshot taken;
        taken.xmax = first_xid;
        for (const auto& writer : writers_) {
            if (ended(writer)) taken.xmax = std::max(taken.xmax, writer.xid + 1);
        }
        for (const auto& writer : writers_) {
            if (!ended(writer) && writer.xid < taken.xmax) taken.running.push_back(writer.xid);
        }
        return taken;
    }
    /// How far a standby is, which lags by so much.
    std::size_t replayed(int lag) const {
        const auto end = std::upper_bound(log_times_.begin(), log_times_.end(), now_ - lag);
        return std::min(written_, static_cast<std::size_t>(end - log_times_.begin()));
    }
    static bool contains(const Data& data, const Writer& writer) {
        return data.standby ? writer.logged != 0 && writer.logged <= data.replayed : data.snapshot.contains(writer.xid);
    }

    void step() {
        now_ += roll(20);
        if (roll(3) == 0) written_ = log_times_.size();
        if (roll(3) == 0) begin_write();
        end_write();
        if (roll(4) == 0) start_load();
        for (int i = 0; i < 3; ++i) advance_load();
        if (roll(150) == 0) roll_store_back();
        if (roll(100) == 0) purge();
        if (now_ > frozen_until_ && roll(400) == 0) frozen_until_ = now_ + roll(2000);
        if (now_ > frozen_until_) advance_poll();
        for (std::size_t tag = 0; tag < tags; ++tag) check(tag);
    }

    void begin_write() {
        if (running_.size() > 5) return;
        const auto tag = roll(20) == 0 ? tags - 1 - pick(2) : pick(tags - 2);
        running_.push_back(writers_.size());
        writers_.push_back({first_xid + writers_.size(), tag});
        writers_.back().wrote = now_;
    }
    // First its commit stands in the log, then others see it. Some stay open for long.
    void end_write() {
        if (running_.empty()) return;
        const auto i = static_cast<std::ptrdiff_t>(pick(running_.size()));
        auto& writer = writers_[running_[static_cast<std::size_t>(i)]];
        if (writer.xid % 7 == 0 && roll(60) != 0) return;
        if (writer.logged == 0) {
            log_times_.push_back(now_);
            writer.logged = log_times_.size();
            return;
        }
        writer.visible = true;
        writer.answered = now_;
        running_.erase(running_.begin() + i);
    }

    void start_load() {
        if (loads_.size() >= 4) return;
        Load load;
        load.data.tag = pick(tags);
        load.data.standby = roll(2) == 0;
        load.slow = roll(4) == 0;
        loads_.push_back(load);
    }
    // A standby is asked how far it is, is then read, which is seen to be as far or further, and then the answer is back.
    void advance_load() {
        if (loads_.empty()) return;
        const auto i = static_cast<std::ptrdiff_t>(pick(loads_.size()));
        auto& load = loads_[static_cast<std::size_t>(i)];
        auto& data = load.data;
        if (load.slow && roll(30) != 0) return;
        const int stage = load.stage++;
        if (stage == 0 && data.standby) load.told = replayed(roll(longest_lag));
        if (stage == 1 && data.standby) data.replayed = std::max(load.told, replayed(roll(longest_lag)));
        if (stage == 1 && !data.standby) data.snapshot = snapshot();
        if (stage == 2 && data.standby && without_ == Without::replay_order)
            load.told = std::max(data.replayed, replayed(0));
        if (stage < 3) return;
        keep({data, label(load)});
        loads_.erase(loads_.begin() + i);
    }
    std::optional<Snapshot> label(const Load& load) const {
        const bool from_newest = without_ == (load.data.standby ? Without::label : Without::early_label);
        if (from_newest) return marks_.empty() ? std::nullopt : std::optional{marks_.back().snapshot};
        if (!load.data.standby) return load.data.snapshot.shortened(3);
        for (auto mark = marks_.rbegin(); mark != marks_.rend(); ++mark) {
            if (mark->lsn <= load.told) return mark->snapshot.shortened(3);
        }
        return std::nullopt;
    }
    void keep(const Value& value) {
        auto& stored = store_[value.data.tag];
        stored.push_back(value);
        if (stored.size() > 60) stored.pop_front();
        cache_[value.data.tag] = value;
    }
    void roll_store_back() {
        const auto tag = pick(tags);
        if (!store_[tag].empty()) cache_[tag] = store_[tag][pick(store_[tag].size())];
    }
    void purge() {
        for (auto& writer : writers_) {
            if (!writer.visible || writer.purged || writer.wrote > now_ - 2500) continue;
            writer.purged = true;
            purged_below_ = std::max(purged_below_, writer.xid + 1);
        }
    }

    void advance_poll() {
        if (!poll_) {
            if (now_ - last_poll_tried_ < 100) return;
            poll_ = Poll{now_, {}};
            last_poll_tried_ = now_;
        } else if (!poll_->snapshot) {
            if (roll(2) != 0) return;
            poll_->snapshot = snapshot();
            poll_->lsn = without_ == Without::insert_lsn ? written_ : log_times_.size();
        } else if (roll(12) == 0) {
            if (without_ == Without::base) last_polled_ = poll_->snapshot;
            poll_.reset();  // its answer is lost
        } else if (roll(2) == 0) {
            learn(*poll_);
            poll_.reset();
        }
    }
    void learn(const Poll& poll) {
        for (const auto& writer : writers_) {
            const bool is_new = !last_polled_ || !last_polled_->contains(writer.xid);
            if (is_new && !writer.purged && poll.snapshot->contains(writer.xid))
                known_[writer.tag].exact.emplace_back(writer.xid, now_);
        }
        for (auto& known : known_) {
            std::erase_if(known.exact, [&](const auto& entry) {
                if (entry.second > now_ - exact_for) return false;
                known.merged = std::max(known.merged, entry.first);
                return true;
            });
        }
        horizon_ = std::max(horizon_, purged_below_);
        last_polled_ = last_answered_ = poll.snapshot;
        last_poll_sent_ = poll.sent;
        marks_.push_back({*poll.snapshot, poll.lsn});
        if (marks_.size() > 40) marks_.pop_front();
    }

    TagHistory history_of(const Known& known) const {
        TagHistory history;
        if (known.merged != 0) history.add(known.merged, at(0));
        if (without_ != Without::merged_maximum) history.merge(known.merged);
        for (const auto& [xid, learned] : known.exact) history.add(xid, at(learned));
        return history;
    }

    void check(std::size_t tag) {
        if (!cache_[tag]) return;
        auto label = cache_[tag]->label;
        if (label && without_ == Without::running_label) label->running.clear();
        CachedValue value;
        value.loaded_at = at(now_);
        value.ttl = 1h;
        value.tagged = true;
        value.label = label ? &*label : nullptr;
        value.history = 1;
        Coherence coherence;
        coherence.enabled = true;
        coherence.history = 1;
        coherence.horizon = without_ == Without::horizon ? 0 : horizon_;
        const Snapshot nothing;
        if (last_answered_) coherence.polled = &*last_answered_;
        if (without_ == Without::skip_running) coherence.polled = &nothing;
        if (last_poll_sent_) coherence.last_poll_sent = at(without_ == Without::poll_age ? now_ : *last_poll_sent_);
        const auto history = history_of(known_[tag]);
        const TagHistory* const relevant[] = {&history};

        ++tally_.judged;
        if (judge_freshness(at(now_), value, coherence, relevant) != Freshness::fresh) return;
        ++tally_.fresh;
        const bool violated = std::any_of(writers_.begin(), writers_.end(), [&](const Writer& writer) {
            return writer.tag == tag && writer.visible && writer.answered < now_ - bound &&
                   !contains(cache_[tag]->data, writer);
        });
        if (violated) ++tally_.violations;
    }

    std::mt19937 random_;
    const Without without_;
    int now_ = 0;
    int frozen_until_ = -1;

    std::vector<Writer> writers_;  // in the order of their xids
    std::vector<std::size_t> running_;
    std::vector<int> log_times_;  // of the commits in the log
    std::size_t written_ = 0;     // so many of them can be replayed
    std::uint64_t purged_below_ = 0;

    std::optional<Poll> poll_;
    int last_poll_tried_ = -1000;
    std::optional<int> last_poll_sent_;
    std::optional<Snapshot> last_polled_;    // what the next poll starts from
    std::optional<Snapshot> last_answered_;  // what the instance knows
    std::deque<Mark> marks_;
    std::array<Known, tags> known_;
    std::uint64_t horizon_ = 0;

    std::vector<Load> loads_;
    std::array<std::optional<Value>, tags> cache_;
    std::array<std::deque<Value>, tags> store_;
    Tally tally_;
};

World::Tally run_worlds(Without without, unsigned worlds) {
    World::Tally sum;
    for (unsigned seed = 0; seed < worlds; ++seed) {
        const auto tally = World{seed, without}.run(1500);
        sum.judged += tally.judged;
        sum.fresh += tally.fresh;
        sum.violations += tally.violations;
        if (without != Without::nothing && sum.violations > 0) break;
    }
    return sum;
}

}  // namespace

TEST(FreshnessModel, AFreshAnswerIsNeverFurtherBehindThanTheBound) {
    const auto tally = run_worlds(Without::nothing, 150);
    EXPECT_EQ(tally.violations, 0);
    EXPECT_GT(tally.fresh, tally.judged / 10) << "of " << tally.judged << ": a rule that is never fresh would prove nothing";
    EXPECT_LT(tally.fresh, tally.judged * 9 / 10);
}

TEST(FreshnessModel, WithoutAnyOneOfItsPartsTheCheckFindsViolations) {
    for (const auto without :
         {Without::label, Without::replay_order, Without::insert_lsn, Without::running_label, Without::early_label,
          Without::merged_maximum, Without::horizon, Without::base, Without::skip_running, Without::poll_age}) {
        EXPECT_GT(run_worlds(without, 2000).violations, 0) << static_cast<int>(without);
    }
}

}  // namespace sluice::policy
