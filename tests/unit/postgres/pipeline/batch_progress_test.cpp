#include "postgres/pipeline/batch_progress.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace sluice::postgres {
namespace {

using Kind = BatchProgress::Kind;
using Again = std::vector<std::size_t>;

BatchProgress of(std::initializer_list<BatchProgress::Step> steps) {
    BatchProgress made;
    for (const auto& step : steps) made.sent(step);
    return made;
}

}  // namespace

TEST(BatchProgress, AnErrorGivesBackWhatIsSkippedUpToTheSyncAndNoMore) {
    auto batch = of({{Kind::read, 0}, {Kind::read, 1}, {Kind::read, 2}, {Kind::sync}, {Kind::read, 3}, {Kind::sync}});
    batch.answered();
    EXPECT_EQ(batch.next()->read, 1U);
    batch.answered();  // with an error, which its read has been told
    batch.skipped(false);
    EXPECT_EQ(batch.next()->kind, Kind::sync);
    batch.answered();
    EXPECT_EQ(batch.next()->read, 3U);
    batch.answered();
    EXPECT_FALSE(batch.over());
    batch.answered();
    EXPECT_TRUE(batch.over());
    EXPECT_EQ(batch.next(), nullptr);
    EXPECT_EQ(batch.again(), Again{2});
}

TEST(BatchProgress, AReadWhoseTextCouldNotBePreparedAndWasToldIsNotGivenBack) {
    auto batch = of({{Kind::prepare, 0}, {Kind::read, 0}, {Kind::read, 1}, {Kind::sync}});
    batch.answered();
    batch.skipped(true);
    batch.skipped(false);
    batch.answered();
    EXPECT_EQ(batch.again(), Again{1});
}

TEST(BatchProgress, AReadIsGivenBackOnceHoweverManyOfItsStepsAreSkipped) {
    auto batch =
        of({{Kind::prepare, 0}, {Kind::read, 0}, {Kind::prepare, 1}, {Kind::prepare, 1}, {Kind::read, 1}, {Kind::sync}});
    batch.failed_for_now();
    batch.skipped(false);
    for (int i = 0; i < 3; ++i) batch.skipped(false);
    batch.answered();
    EXPECT_TRUE(batch.over());
    EXPECT_EQ(batch.again(), (Again{0, 1}));
}

TEST(BatchProgress, ACollapsedStepGivesBackAllItsReadsOnce) {
    auto batch = of({{Kind::read, 0}, {Kind::prepare, 1, 3}, {Kind::read, 1, 3}, {Kind::read, 4}, {Kind::sync}});
    batch.answered();
    batch.failed_for_now();
    batch.skipped(false);
    batch.skipped(false);
    batch.answered();
    EXPECT_TRUE(batch.over());
    EXPECT_EQ(batch.again(), (Again{1, 2, 3, 4}));
}

TEST(BatchProgress, StartsAnew) {
    auto batch = of({{Kind::read, 0}, {Kind::sync}});
    batch.failed_for_now();
    batch.answered();
    batch.start();
    EXPECT_TRUE(batch.over());
    EXPECT_TRUE(batch.again().empty());
}

namespace {

/// What PostgreSQL does with random batches, and what a connection makes of it.
class Simulation {
public:
    explicit Simulation(unsigned seed) : random_{seed} {}

    void run() {
        const auto count = std::size_t{1} + random_() % 12;
        for (std::size_t i = 0; i < count; ++i) {
            if (chance(4)) bad_.insert(i);
            if (chance(6)) bad_once_.insert(i);
        }
        std::vector<std::size_t> batch(count);
        for (std::size_t i = 0; i < count; ++i) batch[i] = i;
        send(batch, false);
        ASSERT_LE(answer(batch), count);
        for (int rounds = 0; !batch.empty(); ++rounds) {
            ASSERT_LT(rounds, 3) << "each comes to its end with a sync of its own";
            send(batch, true);
            const auto innocent = answer(batch);
            EXPECT_EQ(innocent, 0U) << "nobody else's error reaches it any more";
        }
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(answers_[i], 1) << "read " << i;
            EXPECT_EQ(errors_.contains(i), bad_.contains(i)) << "read " << i;
        }
    }

private:
    bool chance(unsigned one_in) { return random_() % one_in == 0; }

    void send(const std::vector<std::size_t>& batch, bool each_alone) {
        progress_.start();
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (chance(3)) progress_.sent({Kind::prepare, i});
            progress_.sent({Kind::read, i});
            if (each_alone || i + 1 == batch.size()) progress_.sent({Kind::sync});
        }
    }

    /// The batch becomes what is to be sent again. How many of that had no error of their own.
    std::size_t answer(std::vector<std::size_t>& batch) {
        bool aborted = false;
        std::size_t innocent = 0;
        std::set<std::size_t> told, own;
        while (const auto* step = progress_.next()) {
            const auto index = step->read;
            if (step->kind == Kind::sync) {
                aborted = false;
                progress_.answered();
                continue;
            }
            const auto read = batch[index];
            if (aborted) {
                if (step->kind == Kind::read && !told.contains(index) && !own.contains(index)) ++innocent;
                progress_.skipped(told.contains(index));
            } else if (bad_once_.erase(read) > 0) {
                aborted = true;
                own.insert(index);
                progress_.failed_for_now();
            } else if (bad_.contains(read) && (step->kind == Kind::read || chance(2))) {
                aborted = true;
                told.insert(index);
                errors_.insert(read);
                ++answers_[read];
                progress_.answered();
            } else {
                if (step->kind == Kind::read) {
                    told.insert(index);
                    ++answers_[read];
                }
                progress_.answered();
            }
        }
        std::vector<std::size_t> again;
        again.reserve(progress_.again().size());
        for (const auto index : progress_.again()) again.push_back(batch[index]);
        EXPECT_TRUE(std::is_sorted(again.begin(), again.end())) << "in the order in which they were asked";
        EXPECT_EQ(std::set<std::size_t>(again.begin(), again.end()).size(), again.size());
        batch = again;
        return innocent;
    }

    std::mt19937 random_;
    BatchProgress progress_;
    std::set<std::size_t> bad_, bad_once_, errors_;
    std::map<std::size_t, int> answers_;
};

}  // namespace

TEST(BatchProgress, InRandomBatchesEveryReadIsAnsweredOnceAndOnlyTheBadOnesFail) {
    for (unsigned seed = 0; seed < 20'000; ++seed) {
        SCOPED_TRACE(seed);
        Simulation{seed}.run();
        if (testing::Test::HasFailure()) return;
    }
}

}  // namespace sluice::postgres
