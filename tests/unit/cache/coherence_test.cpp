#include "cache/coherence.hpp"

#include "runtime/boot_clock.hpp"

#include <gtest/gtest.h>

namespace sluice::cache {
namespace {

using namespace std::chrono_literals;
using Kind = policy::Invalidation::Kind;
using policy::Freshness;

const TimePoint start = Clock::now();

constexpr HistoryId history = 1;

std::shared_ptr<CachedValue> labelled(std::uint64_t xmax, std::vector<std::uint64_t> running = {}) {
    auto value = std::make_shared<CachedValue>();
    value->loaded_at = start;
    value->ttl = 60s;
    value->stale = 1h;
    value->grace = 5s;
    value->tags = {"city:1"};
    value->path = "/v1/cities/1";
    value->label = Label{history, {xmax, std::move(running)}};
    return value;
}

policy::Poll poll_at(TimePoint sent, std::vector<policy::Invalidation> rows = {}) {
    policy::Poll poll;
    poll.sent = sent;
    poll.coherent = true;
    poll.asleep = runtime::asleep();
    poll.history = history;
    poll.snapshot.xmax = 1'000;
    poll.invalidations = std::move(rows);
    return poll;
}

/// Counts running time; how often it then said that polls now fail.
int run_for(Coherence& coherence, Duration time) {
    int said = 0;
    for (Duration passed{0}; passed < time; passed += Coherence::tick_interval) said += coherence.tick() ? 1 : 0;
    return said;
}

}  // namespace

TEST(Coherence, AValueIsFreshUntilOneOfItsTagsIsInvalidated) {
    Coherence coherence;
    coherence.learn(poll_at(start));
    const auto value = labelled(100);
    EXPECT_EQ(coherence.judge(*value, start + 1ms), Freshness::fresh);
    coherence.learn(poll_at(start + 100ms, {{1, 105, Kind::tag, "city:2"}}));
    EXPECT_EQ(coherence.judge(*value, start + 101ms), Freshness::fresh);
    coherence.learn(poll_at(start + 200ms, {{2, 106, Kind::tag, "city:1"}}));
    EXPECT_EQ(coherence.judge(*value, start + 201ms), Freshness::stale);
}

TEST(Coherence, AnInvalidationThatTheSnapshotContainsDoesNotCount) {
    Coherence coherence;
    coherence.learn(poll_at(start, {{1, 90, Kind::tag, "city:1"}, {2, 105, Kind::tag, "city:1"}}));
    EXPECT_EQ(coherence.judge(*labelled(110, {100}), start + 1ms), Freshness::fresh);
    EXPECT_EQ(coherence.judge(*labelled(110, {105}), start + 1ms), Freshness::stale) << "it was running then";
    EXPECT_EQ(coherence.judge(*labelled(100), start + 1ms), Freshness::stale);
    EXPECT_EQ(coherence.judge(*labelled(106), start + 1ms), Freshness::fresh);
}

TEST(Coherence, WhatMayHaveBeenCommittedBeforeASnapshotOutdatesATagsValues) {
    Coherence coherence;
    coherence.learn(poll_at(start));
    const auto judged = [&](const std::shared_ptr<CachedValue>& value) { return coherence.judge(*value, start + 1ms); };
    const auto before = labelled(100);
    EXPECT_EQ(judged(before), Freshness::fresh);
    const std::vector<std::string> tags{"city:1"};
    coherence.outdate(tags, 105, start);
    EXPECT_EQ(judged(before), Freshness::stale);
    EXPECT_EQ(judged(labelled(104)), Freshness::stale);
    EXPECT_EQ(judged(labelled(105)), Freshness::fresh) << "read when all of them were over, as in an idle database";
    EXPECT_EQ(judged(labelled(110, {102})), Freshness::stale) << "one ran then, and is over by now";
    EXPECT_EQ(judged(labelled(110, {107})), Freshness::fresh) << "it began later";
    const auto other = labelled(100);
    other->tags = {"city:2"};
    EXPECT_EQ(judged(other), Freshness::fresh);
}

TEST(Coherence, GlobsMatchThePathAndAllMatchesEverything) {
    Coherence coherence;
    coherence.learn(poll_at(start, {{1, 105, Kind::glob, "/v1/cities/*"}}));
    EXPECT_EQ(coherence.judge(*labelled(100), start + 1ms), Freshness::stale);
    const auto other = labelled(100);
    other->path = "/v1/countries/FR";
    EXPECT_EQ(coherence.judge(*other, start + 1ms), Freshness::fresh);
    coherence.learn(poll_at(start + 1ms, {{2, 106, Kind::all, ""}}));
    EXPECT_EQ(coherence.judge(*other, start + 2ms), Freshness::stale);
}

TEST(Coherence, WithoutPollsAValueIsFreshForTheGraceOnly) {
    Coherence coherence;
    coherence.learn(poll_at(start));
    const auto value = labelled(100);
    run_for(coherence, 400ms);
    EXPECT_EQ(coherence.judge(*value, start + 4s), Freshness::fresh);
    EXPECT_EQ(coherence.judge(*value, start + 6s), Freshness::stale);
    coherence.learn(poll_at(start + 6s));
    EXPECT_EQ(coherence.judge(*value, start + 6s), Freshness::fresh);
}

TEST(Coherence, AProcessThatWakesUpDoesNotTakePollsItNeverSentForFailures) {
    Coherence coherence;
    EXPECT_TRUE(coherence.polls_fail()) << "none was answered yet";
    coherence.learn(poll_at(start));
    const auto value = labelled(100);
    run_for(coherence, 150ms);
    EXPECT_EQ(coherence.judge(*value, start + 500ms), Freshness::fresh);
    // Stopped for a second: one tick was due, and one poll is late.
    run_for(coherence, 50ms);
    EXPECT_EQ(coherence.judge(*value, start + 1150ms), Freshness::stale);
    coherence.learn(poll_at(start + 1150ms));
    EXPECT_EQ(coherence.judge(*value, start + 1151ms), Freshness::fresh);
}

TEST(Coherence, SaysOnceThatPollsFail) {
    Coherence coherence;
    coherence.learn(poll_at(start));
    EXPECT_EQ(run_for(coherence, 300ms), 0);
    EXPECT_FALSE(coherence.polls_fail());
    EXPECT_EQ(run_for(coherence, 50ms), 1);
    EXPECT_TRUE(coherence.polls_fail());
    EXPECT_EQ(run_for(coherence, 10s), 0);
    coherence.learn(poll_at(start + 10s));
    EXPECT_FALSE(coherence.polls_fail());
    EXPECT_EQ(run_for(coherence, 350ms), 1);
}

TEST(Coherence, AnotherHistoryProvesNothing) {
    Coherence coherence;
    coherence.learn(poll_at(start, {{1, 105, Kind::tag, "city:1"}}));
    const auto value = labelled(110);
    EXPECT_EQ(coherence.judge(*value, start + 1ms), Freshness::fresh);
    auto after_failover = poll_at(start + 100ms);
    after_failover.history = 2;
    after_failover.restarted = true;
    coherence.learn(after_failover);
    EXPECT_EQ(coherence.judge(*value, start + 101ms), Freshness::stale);
    value->label = Label{2, {50, {}}};
    EXPECT_EQ(coherence.judge(*value, start + 102ms), Freshness::fresh) << "what was known belongs to the other one";
    coherence.learn(poll_at(start + 200ms));
    EXPECT_EQ(coherence.judge(*value, start + 201ms), Freshness::stale);
}

TEST(Coherence, WhatWasPurgedStaysPurgedInAnotherHistory) {
    Coherence coherence;
    coherence.learn(poll_at(start, {{1, 105, Kind::glob, "/v1/*"}}));
    const auto value = labelled(110);
    value->tags.clear();
    value->label.reset();
    EXPECT_EQ(coherence.judge(*value, start + 1ms), Freshness::stale);
    auto next = poll_at(start + 100ms);
    next.history = 2;
    coherence.learn(next);
    EXPECT_EQ(coherence.judge(*value, start + 101ms), Freshness::stale);
}

TEST(Coherence, AValueThatWasFreshWithoutADatabaseIsLookedAtAnewWithOne) {
    Coherence coherence;
    auto without_schema = poll_at(start);
    without_schema.coherent = false;
    coherence.learn(without_schema);
    const auto value = labelled(100);
    value->label.reset();
    EXPECT_EQ(coherence.judge(*value, start + 1ms), Freshness::fresh);
    coherence.learn(poll_at(start + 100ms));
    EXPECT_EQ(coherence.judge(*value, start + 101ms), Freshness::stale);
}

TEST(Coherence, AFullMemoryCausesMissesNeverStaleHits) {
    Coherence coherence{3};
    std::vector<policy::Invalidation> rows;
    for (int i = 1; i <= 10; ++i) {
        rows.push_back({i, 100 + static_cast<std::uint64_t>(i), Kind::tag, i == 1 ? "city:1" : "city:" + std::to_string(i)});
    }
    coherence.learn(poll_at(start, rows));
    EXPECT_EQ(coherence.judge(*labelled(100), start + 1ms), Freshness::stale);
    EXPECT_EQ(coherence.judge(*labelled(103), start + 1ms), Freshness::stale) << "older than what is remembered";
    EXPECT_EQ(coherence.judge(*labelled(120), start + 1ms), Freshness::fresh);
    EXPECT_EQ(coherence.judge(*labelled(120, {101}), start + 1ms), Freshness::stale);
    EXPECT_EQ(coherence.judge(*labelled(120, {115}), start + 1ms), Freshness::fresh);
}

TEST(Coherence, OfAnOftenInvalidatedTagTheGreatestIsRemembered) {
    Coherence coherence{10};
    std::vector<policy::Invalidation> rows;
    for (std::uint64_t xid = 101; xid <= 200; ++xid) rows.push_back({0, xid, Kind::tag, "city:1"});
    coherence.learn(poll_at(start, rows));
    EXPECT_EQ(coherence.judge(*labelled(201), start + 1ms), Freshness::fresh);
    EXPECT_EQ(coherence.judge(*labelled(200), start + 1ms), Freshness::stale);
    EXPECT_EQ(coherence.judge(*labelled(205, {203}), start + 1ms), Freshness::fresh) << "above all that were merged";
    EXPECT_EQ(coherence.judge(*labelled(205, {150}), start + 1ms), Freshness::stale) << "perhaps one of these";
    EXPECT_EQ(coherence.judge(*labelled(205, {199}), start + 1ms), Freshness::stale) << "one of these";
    auto other = labelled(201, {150});
    other->tags = {"city:2"};
    EXPECT_EQ(coherence.judge(*other, start + 1ms), Freshness::fresh) << "another tag's";
}

TEST(Coherence, TooManyPatternsRaiseTheHorizon) {
    Coherence coherence;
    std::vector<policy::Invalidation> rows;
    for (std::uint64_t xid = 1; xid <= 2'000; ++xid) rows.push_back({0, xid, Kind::glob, "/x/" + std::to_string(xid)});
    coherence.learn(poll_at(start, rows));
    EXPECT_EQ(coherence.judge(*labelled(100), start + 1ms), Freshness::stale) << "what is forgotten may concern it";
    EXPECT_EQ(coherence.judge(*labelled(2'001), start + 1ms), Freshness::fresh);
}

TEST(Coherence, HearsOfItsOwnWritesOnceOnly) {
    Coherence coherence;
    coherence.learn(poll_at(start));
    const policy::Invalidation own{7, 110, Kind::tag, "city:1"};
    coherence.learn({&own, 1}, start);
    EXPECT_EQ(coherence.judge(*labelled(100), start + 1ms), Freshness::stale);
    coherence.learn(poll_at(start + 100ms, {own}));
    EXPECT_EQ(coherence.judge(*labelled(111), start + 101ms), Freshness::fresh);
}

TEST(Coherence, WithoutADatabaseThatKeepsThemMessagesInvalidate) {
    Coherence coherence;
    coherence.disable();
    const auto value = labelled(0);
    value->label.reset();
    EXPECT_EQ(coherence.judge(*value, start + 30s), Freshness::fresh);
    const policy::Invalidation heard{0, 0, Kind::tag, "city:1"};
    coherence.learn({&heard, 1}, start + 30s);
    EXPECT_EQ(coherence.judge(*value, start + 31s), Freshness::stale);
    value->loaded_at = start + 31s;
    EXPECT_EQ(coherence.judge(*value, start + 32s), Freshness::fresh);
}

TEST(Coherence, WhatWasPurgedMayNotStandInWhileWhatWasInvalidatedMay) {
    for (const auto kind : {Kind::tag, Kind::glob, Kind::all}) {
        Coherence coherence;
        coherence.learn(poll_at(start));
        const auto name = kind == Kind::tag ? "city:1" : kind == Kind::glob ? "/v1/cities/*" : "";
        const auto value = labelled(100);
        const auto newer = labelled(108);
        coherence.learn(poll_at(start + 100ms, {{1, 105, kind, name}}));
        EXPECT_EQ(coherence.judge(*value, start + 101ms), Freshness::stale);
        EXPECT_FALSE(coherence.purged(*value));
        coherence.learn(poll_at(start + 200ms, {{2, 106, kind, name, true}}));
        EXPECT_EQ(coherence.judge(*value, start + 201ms), Freshness::unusable);
        EXPECT_TRUE(coherence.purged(*value));
        EXPECT_EQ(coherence.judge(*newer, start + 201ms), Freshness::fresh);
        EXPECT_FALSE(coherence.purged(*newer));
        coherence.learn(poll_at(start + 300ms, {{3, 110, kind, name}}));
        EXPECT_EQ(coherence.judge(*newer, start + 301ms), Freshness::stale) << "by a write, after the purge";
    }
}

TEST(Coherence, WhatWasPurgedStaysSoInANewHistoryAndWhenItsTagIsForgotten) {
    Coherence coherence{4};
    coherence.learn(poll_at(start, {{1, 105, Kind::tag, "city:1", true}}));
    const auto value = labelled(100);
    auto restarted = poll_at(start + 100ms);
    restarted.history = history + 1;
    coherence.learn(restarted);
    EXPECT_EQ(coherence.judge(*value, start + 101ms), Freshness::unusable);
    std::vector<policy::Invalidation> many;
    for (int i = 0; i < 50; ++i) many.push_back({i, 200 + static_cast<std::uint64_t>(i), Kind::tag, std::to_string(i)});
    restarted.invalidations = many;
    coherence.learn(restarted);
    EXPECT_EQ(coherence.judge(*value, start + 101ms), Freshness::unusable);
}

}  // namespace sluice::cache
