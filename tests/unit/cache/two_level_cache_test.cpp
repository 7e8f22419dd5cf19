#include "cache/two_level_cache.hpp"

#include "support/two_level_cache_fixture.hpp"

#include <gtest/gtest.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <cstdio>
#include <deque>

namespace sluice::cache {
namespace {

using namespace std::chrono_literals;
using How = Answer::How;

}  // namespace

TEST_F(TwoLevelCacheTest, LoadsOnceThenHitsLevelOne) {
    results_ = {found("{\"data\":1}")};
    EXPECT_EQ(cache_.find("k", Clock::now()).value, nullptr);
    EXPECT_EQ(ask(wanted("k")).how, How::loaded);
    const auto hit = cache_.find("k", Clock::now()).value;
    ASSERT_NE(hit, nullptr);
    EXPECT_EQ(hit->body, "{\"data\":1}");
    EXPECT_EQ(loads_, 1);
}

TEST_F(TwoLevelCacheTest, AnotherInstanceHitsLevelTwo) {
    results_ = {found("{\"data\":1}", Label{1, {10, {}}})};
    ask(wanted("k", {"t"}));
    TwoLevelCache other{1 << 20, store_, coherence_, metrics_};
    Answer answer;
    boost::asio::co_spawn(loop_.get_executor(),
                          other.load(loop_.get_executor(), wanted("k", {"t"}), Deadline::after(Clock::now(), 10s)),
                          [&](std::exception_ptr, Answer result) { answer = std::move(result); });
    loop_.restart();
    loop_.run();
    EXPECT_EQ(answer.how, How::level_two);
    EXPECT_EQ(answer.value->body, "{\"data\":1}");
    EXPECT_EQ(loads_, 1);
    EXPECT_TRUE(other.drain(Deadline::after(Clock::now(), 10s)));
}

TEST_F(TwoLevelCacheTest, CallersOfOneKeyShareOneLoad) {
    results_ = {found("{\"data\":1}")};
    std::vector<Wanted> many;
    many.reserve(50);
    for (int i = 0; i < 50; ++i) many.push_back(wanted("k"));
    const auto answers = ask(std::move(many));
    EXPECT_EQ(loads_, 1);
    EXPECT_EQ(std::count_if(answers.begin(), answers.end(), [](const Answer& a) { return a.how == How::loaded; }), 1);
    EXPECT_EQ(std::count_if(answers.begin(), answers.end(), [](const Answer& a) { return a.how == How::collapsed; }), 49);
}

TEST_F(TwoLevelCacheTest, WhatIsAbsentIsNotKept) {
    results_ = {Loaded{false, "", {}, false}};
    EXPECT_EQ(ask(wanted("k")).how, How::absent);
    EXPECT_EQ(ask(wanted("k")).how, How::absent);
    EXPECT_EQ(loads_, 2);
}

TEST_F(TwoLevelCacheTest, AnInvalidatedValueIsLoadedAgain) {
    results_ = {found("{\"data\":1}", Label{1, {10, {}}})};
    ask(wanted("k", {"city:1"}));
    ASSERT_NE(cache_.find("k", Clock::now()).value, nullptr);
    coherence_.learn(answered_poll({{1, 15, policy::Invalidation::Kind::tag, "city:1"}}));
    EXPECT_EQ(cache_.find("k", Clock::now()).value, nullptr);
    results_ = {found("{\"data\":2}", Label{1, {20, {}}})};
    const auto answer = ask(wanted("k", {"city:1"}));
    EXPECT_EQ(answer.how, How::loaded);
    EXPECT_EQ(answer.value->body, "{\"data\":2}");
}

TEST_F(TwoLevelCacheTest, AReplicaThatLagsIsAskedOnceThenThePrimary) {
    coherence_.learn(answered_poll({{1, 15, policy::Invalidation::Kind::tag, "city:1"}}));
    results_ = {found("{\"data\":\"old\"}", Label{1, {10, {}}}), found("{\"data\":\"new\"}", Label{1, {20, {}}}, true)};
    const auto answer = ask(wanted("k", {"city:1"}));
    EXPECT_EQ(answer.value->body, "{\"data\":\"new\"}");
    EXPECT_EQ(loads_, 2);
    EXPECT_TRUE(last_on_primary_);
}

TEST_F(TwoLevelCacheTest, WhenLoadingFailsTheInvalidatedCopyStandsIn) {
    results_ = {found("{\"data\":1}", Label{1, {10, {}}})};
    ask(wanted("k", {"city:1"}));
    coherence_.learn(answered_poll({{1, 15, policy::Invalidation::Kind::tag, "city:1"}}));
    results_.clear();
    const auto answer = ask(wanted("k", {"city:1"}));
    EXPECT_EQ(answer.how, How::stale);
    EXPECT_EQ(answer.value->body, "{\"data\":1}");
}

TEST_F(TwoLevelCacheTest, WithoutACopyAFailedLoadFails) {
    const auto answer = ask(wanted("k"));
    EXPECT_EQ(answer.how, How::failed);
    EXPECT_EQ(answer.failure.cause, Failure::Cause::source);
}

TEST_F(TwoLevelCacheTest, BadInputIsNotAnsweredByAStaleCopy) {
    auto expired = wanted("k");
    expired.lifetimes.ttl = 0s;
    results_ = {found("{\"data\":1}")};
    ask(std::move(expired));
    results_ = {Failure{Failure::Cause::source, false}};
    EXPECT_EQ(ask(wanted("k")).how, How::failed);
    results_ = {no_server()};
    EXPECT_EQ(ask(wanted("k")).how, How::stale);
}

TEST_F(TwoLevelCacheTest, ACallerLeavesAtItsDeadlineAndTheLoadGoesOn) {
    const auto slow = std::make_shared<runtime::OneShot<LoadResult>>(loop_.get_executor());
    auto want = wanted("k");
    want.load = [slow](From, Deadline) -> awaitable<LoadResult> {
        return [](std::shared_ptr<runtime::OneShot<LoadResult>> source) -> awaitable<LoadResult> {
            co_return *(co_await source->wait(Deadline::after(Clock::now(), 10s)));
        }(slow);
    };
    Answer answer;
    boost::asio::co_spawn(loop_.get_executor(),
                          cache_.load(loop_.get_executor(), std::move(want), Deadline::after(Clock::now(), 1ms)),
                          [&](std::exception_ptr, Answer result) {
                              answer = std::move(result);
                              slow->set(found("{\"data\":1}"));
                          });
    loop_.restart();
    loop_.run();
    EXPECT_EQ(answer.how, How::failed);
    EXPECT_EQ(answer.failure.cause, Failure::Cause::timed_out);
    EXPECT_NE(cache_.find("k", Clock::now()).value, nullptr) << "the load ended after its caller had left";
}

TEST_F(TwoLevelCacheTest, PastItsTtlOneReaderRefreshesWhileAllAreServed) {
    results_ = {found("{\"data\":1}")};
    auto want = wanted("k");
    want.lifetimes.revalidate = 10s;
    ask(want);
    const auto later = Clock::now() + 61s;
    const auto first = cache_.find("k", later);
    ASSERT_NE(first.value, nullptr);
    EXPECT_TRUE(first.refresh);
    const auto second = cache_.find("k", later);
    ASSERT_NE(second.value, nullptr);
    EXPECT_FALSE(second.refresh) << "one is enough";
    EXPECT_TRUE(cache_.find("k", later + 1s).refresh) << "and another a second later, should that one have failed";
    EXPECT_EQ(cache_.find("k", later + 10s).value, nullptr);

    results_ = {found("{\"data\":2}")};
    cache_.refresh(loop_.get_executor(), want, *first.value);
    cache_.refresh(loop_.get_executor(), want, *first.value);
    loop_.restart();
    loop_.run();
    EXPECT_EQ(loads_, 1 + 1) << "a refresh under way is not doubled";
    EXPECT_EQ(cache_.find("k", later).value->body, "{\"data\":2}");
}

TEST_F(TwoLevelCacheTest, ARefreshThatFailsLeavesWhatThereIs) {
    results_ = {found("{\"data\":1}")};
    auto want = wanted("k");
    want.lifetimes.revalidate = 10s;
    ask(want);
    results_ = {no_server()};
    coherence_.learn(answered_poll());
    cache_.refresh(loop_.get_executor(), want, *cache_.find("k", Clock::now()).value);
    loop_.restart();
    loop_.run();
    EXPECT_EQ(cache_.find("k", Clock::now() + 61s).value->body, "{\"data\":1}");
}

// Eight instances over one store miss the same key a hundred times, each time since a write has outdated it.
TEST_F(TwoLevelCacheTest, OfManyInstancesOneLoads) {
    constexpr int instances = 8;
    constexpr int expiries = 100;
    std::vector<std::unique_ptr<TwoLevelCache>> caches;
    caches.reserve(instances);
    for (int i = 0; i < instances; ++i) {
        caches.push_back(std::make_unique<TwoLevelCache>(1 << 20, store_, coherence_, metrics_));
    }
    int answered = 0;
    for (int round = 1; round <= expiries; ++round) {
        const auto xid = 10 * static_cast<std::uint64_t>(round);
        const policy::Invalidation row{round, xid, policy::Invalidation::Kind::tag, "t"};
        coherence_.learn(answered_poll({row}));
        const auto body = "{\"data\":" + std::to_string(round) + "}";
        results_ = {found(body, Label{1, {xid + 1, {}}})};
        for (auto& cache : caches) {
            ASSERT_EQ(cache->find("k", Clock::now()).value, nullptr) << "the write has outdated it";
            boost::asio::co_spawn(loop_.get_executor(),
                                  cache->load(loop_.get_executor(), wanted("k", {"t"}), Deadline::after(Clock::now(), 10s)),
                                  [&](std::exception_ptr error, Answer answer) {
                                      answered += !error && answer.value && answer.value->body == body;
                                  });
        }
        loop_.restart();
        loop_.run();
    }
    EXPECT_EQ(answered, instances * expiries);
    std::printf("%d instances, %d expiries: %d loads\n", instances, expiries, loads_);
    EXPECT_LE(loads_, expiries * 105 / 100);
    for (auto& cache : caches) EXPECT_TRUE(cache->drain(Deadline::after(Clock::now(), 10s)));
}

TEST_F(TwoLevelCacheTest, AHolderThatIsGoneKeepsNobodyFromLoading) {
    boost::asio::co_spawn(loop_.get_executor(), store_->lock("k", "somebody", 20ms, Deadline::never()),
                          [](std::exception_ptr, LockStatus status) { EXPECT_EQ(status, LockStatus::acquired); });
    loop_.restart();
    loop_.run();
    results_ = {found("{\"data\":1}")};
    EXPECT_EQ(ask(wanted("k")).how, How::loaded);
}

TEST_F(TwoLevelCacheTest, ThatThereIsNothingIsKeptWhereWanted) {
    results_ = {Loaded{false, {}, Label{1, {10, {}}}, false}};
    EXPECT_EQ(ask(wanted("k", {"t"})).how, How::absent);
    EXPECT_EQ(cache_.find("k", Clock::now()).value, nullptr) << "by default it is not";
    auto want = wanted("k", {"t"});
    want.negative = 5s;
    EXPECT_EQ(ask(want).how, How::absent);
    EXPECT_EQ(loads_, 2);
    const auto hit = cache_.find("k", Clock::now()).value;
    ASSERT_NE(hit, nullptr);
    EXPECT_TRUE(hit->absent);
    EXPECT_EQ(cache_.find("k", Clock::now() + 6s).value, nullptr) << "for its own time, not the ttl's";

    TwoLevelCache other{1 << 20, store_, coherence_, metrics_};
    Answer answer;
    boost::asio::co_spawn(loop_.get_executor(), other.load(loop_.get_executor(), want, Deadline::after(Clock::now(), 10s)),
                          [&](std::exception_ptr, Answer result) { answer = std::move(result); });
    loop_.restart();
    loop_.run();
    EXPECT_EQ(answer.how, How::absent);
    EXPECT_EQ(loads_, 2) << "other instances take it from the store";
    EXPECT_TRUE(other.drain(Deadline::after(Clock::now(), 10s)));

    coherence_.learn(answered_poll({{1, 20, policy::Invalidation::Kind::tag, "t"}}));
    EXPECT_EQ(cache_.find("k", Clock::now()).value, nullptr) << "something has come into being";
    results_ = {no_server()};
    EXPECT_EQ(ask(want).how, How::failed) << "that there was nothing does not stand in";
    results_ = {found("{\"data\":1}", Label{1, {21, {}}}, true)};
    EXPECT_EQ(ask(want).how, How::loaded);
}

TEST_F(TwoLevelCacheTest, ACodingIsMadeForTheNextWhenItsFirstClientLeaves) {
    using policy::ContentCoding;
    const auto value = std::make_shared<CachedValue>();
    value->body = std::string(400'000, 'x');
    value->etag = "\"e\"";
    boost::asio::cancellation_signal leave;
    boost::asio::co_spawn(loop_.get_executor(), cache_.coded("k", value, ContentCoding::gzip),
                          boost::asio::bind_cancellation_slot(leave.slot(), [](std::exception_ptr, const CodedBody*) {}));
    loop_.run_one();
    leave.emit(boost::asio::cancellation_type::terminal);
    loop_.run();
    ASSERT_EQ(value->coded.find(ContentCoding::gzip), nullptr) << "this is to see one that has left";
    const auto* made = test::run(loop_, cache_.coded("k", value, ContentCoding::gzip));
    ASSERT_NE(made, nullptr);
    EXPECT_LT(made->body.size(), value->body.size());
}

TEST_F(TwoLevelCacheTest, ALoadThatBeganBeforeAPurgeIsKeptNowhereAndJoinedByNobodyAfterIt) {
    results_ = {found("{\"data\":1}", Label{1, {10, {}}}, true), found("{\"data\":2}", Label{1, {30, {}}}, true)};
    auto first = wanted("k", {"t"});
    std::vector<Answer> later;
    first.load = [this, &later](From from, Deadline) -> awaitable<LoadResult> {
        auto result = co_await load(from);
        const policy::Invalidation purge{1, 20, policy::Invalidation::Kind::tag, "t", true};
        coherence_.learn({&purge, 1}, Clock::now());
        // Somebody asks while it is under way.
        boost::asio::co_spawn(loop_.get_executor(),
                              cache_.load(loop_.get_executor(), wanted("k", {"t"}), Deadline::after(Clock::now(), 10s)),
                              [&later](std::exception_ptr, Answer answer) { later.push_back(std::move(answer)); });
        co_await boost::asio::post(loop_.get_executor(), use_awaitable);
        co_return result;
    };
    ask(std::move(first));
    ASSERT_EQ(later.size(), 1u);
    EXPECT_EQ(later[0].value->body, "{\"data\":2}");
    results_ = {};
    const policy::Invalidation again{2, 40, policy::Invalidation::Kind::tag, "t", true};
    coherence_.learn({&again, 1}, Clock::now());
    EXPECT_EQ(ask(wanted("k", {"t"})).how, How::failed) << "neither level has a copy that may stand in";
}

TEST_F(TwoLevelCacheTest, WhatWasPurgedLeavesTheProcess) {
    results_ = {found("{\"data\":1}", Label{1, {10, {}}})};
    ask(wanted("k", {"t"}));
    ask(wanted("l", {"u"}));
    EXPECT_EQ(cache_.drop_purged().size(), 0u);
    const policy::Invalidation purge{1, 20, policy::Invalidation::Kind::tag, "t", true};
    coherence_.learn({&purge, 1}, Clock::now());
    EXPECT_EQ(cache_.drop_purged(), std::vector<std::string>{"k"});
    EXPECT_EQ(cache_.level_one().entries(), 1u);
}

}  // namespace sluice::cache
