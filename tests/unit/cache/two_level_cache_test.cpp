#include "cache/two_level_cache.hpp"

#include "memory/byte_store.hpp"
#include "runtime/boot_clock.hpp"
#include "support/run.hpp"

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

postgres::Poll answered_poll(std::vector<postgres::Invalidation> rows = {}) {
    postgres::Poll poll;
    poll.sent = Clock::now();
    poll.coherent = true;
    poll.asleep = runtime::asleep();
    poll.history = 1;
    poll.snapshot.xmax = 1'000;
    poll.invalidations = std::move(rows);
    return poll;
}

/// A database that answers what it is told, when it is told.
class TwoLevelCacheTest : public ::testing::Test {
protected:
    TwoLevelCacheTest() { coherence_.learn(answered_poll()); }
    ~TwoLevelCacheTest() override {
        loop_.restart();
        loop_.run();
        cache_.drain(Deadline::after(Clock::now(), 10s));
    }

    Wanted wanted(const std::string& key, std::vector<std::string> tags = {}) {
        Wanted result;
        result.key = key;
        result.path = "/" + key;
        result.tags = std::move(tags);
        result.ttl = 60s;
        result.stale = 1h;
        result.patience = 10s;
        result.load = [this](bool on_primary, Deadline) { return load(on_primary); };
        return result;
    }

    awaitable<LoadResult> load(bool on_primary) {
        ++loads_;
        last_on_primary_ = on_primary;
        co_await boost::asio::post(loop_.get_executor(), use_awaitable);  // as a database does, it answers later
        if (results_.empty()) co_return DatabaseError{DatabaseError::Kind::unavailable, "", "no server"};
        auto result = results_.front();
        if (results_.size() > 1) results_.pop_front();
        co_return result;
    }

    static LoadResult found(std::string body, std::optional<Label> label = {}, bool from_primary = false) {
        return Loaded{true, std::move(body), std::move(label), from_primary};
    }

    /// All callers at once, on one loop.
    std::vector<Answer> ask(std::vector<Wanted> many, Duration patience = 10s) {
        std::vector<Answer> answers(many.size());
        for (std::size_t i = 0; i < many.size(); ++i) {
            boost::asio::co_spawn(
                loop_.get_executor(),
                cache_.load(loop_.get_executor(), std::move(many[i]), Deadline::after(Clock::now(), patience)),
                [&answers, i](std::exception_ptr error, Answer answer) {
                    ASSERT_FALSE(error);
                    answers[i] = std::move(answer);
                });
        }
        loop_.restart();
        loop_.run();
        return answers;
    }
    Answer ask(Wanted one) {
        std::vector<Wanted> many;
        many.push_back(std::move(one));
        return ask(std::move(many)).front();
    }

    boost::asio::io_context loop_{1};
    telemetry::Metrics metrics_;
    Coherence coherence_;
    std::shared_ptr<memory::ByteStore> store_ = std::make_shared<memory::ByteStore>();
    TwoLevelCache cache_{1 << 20, store_, coherence_, metrics_};
    std::deque<LoadResult> results_;
    int loads_ = 0;
    bool last_on_primary_ = false;
};

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

TEST_F(TwoLevelCacheTest, AFirstCopyIsOnTrialAndOneThatTakesThePlaceOfAnotherIsNot) {
    results_ = {found("{\"data\":1}", Label{1, {10, {}}})};
    ask(wanted("k", {"t"}));
    auto stored = test::run(loop_, store_->get("k", Deadline::never()));
    ASSERT_EQ(stored.status, StoreStatus::found);
    EXPECT_TRUE(stored.on_trial);
    EXPECT_GT(stored.remaining, 1h) << "of its whole life, by which its age is known";
    const auto bytes = cache_.level_two_bytes();
    EXPECT_GT(bytes, 100u);

    const postgres::Invalidation change{1, 20, postgres::Invalidation::Kind::tag, "t"};
    coherence_.learn({&change, 1}, Clock::now());
    results_ = {found("{\"data\":2}", Label{1, {30, {}}})};
    ask(wanted("k", {"t"}));
    stored = test::run(loop_, store_->get("k", Deadline::never()));
    EXPECT_FALSE(stored.on_trial);
    EXPECT_NEAR(static_cast<double>(cache_.level_two_bytes()), static_cast<double>(bytes), 16.0) << "it took its place";
}

TEST_F(TwoLevelCacheTest, ACopyThatAnotherInstanceReadsLeavesItsTrial) {
    results_ = {found("{\"data\":1}")};
    ask(wanted("k"));
    TwoLevelCache other{1 << 20, store_, coherence_, metrics_};
    Answer answer;
    boost::asio::co_spawn(loop_.get_executor(),
                          other.load(loop_.get_executor(), wanted("k"), Deadline::after(Clock::now(), 10s)),
                          [&](std::exception_ptr, Answer result) { answer = std::move(result); });
    loop_.restart();
    loop_.run();
    EXPECT_EQ(answer.how, How::level_two);
    EXPECT_TRUE(other.drain(Deadline::after(Clock::now(), 10s)));
    const auto stored = test::run(loop_, store_->get("k", Deadline::never()));
    EXPECT_FALSE(stored.on_trial);
    EXPECT_GT(other.level_two_bytes(), 0u) << "whoever keeps it alive has it in its budget";
}

TEST_F(TwoLevelCacheTest, AValueThatIsAskedForAgainLaterIsUsed) {
    results_ = {found("{\"data\":1}")};
    ask(wanted("k"));
    const auto now = Clock::now();
    EXPECT_FALSE(cache_.find("k", now + 5s).prolong) << "perhaps the same client's second look";
    const auto hit = cache_.find("k", now + 15s);
    ASSERT_TRUE(hit.prolong);
    EXPECT_FALSE(cache_.find("k", now + 16s).prolong) << "once is enough";
    cache_.prolong(loop_.get_executor(), "k", hit.value);
    loop_.restart();
    loop_.run();
    EXPECT_FALSE(test::run(loop_, store_->get("k", Deadline::never())).on_trial);
}

TEST_F(TwoLevelCacheTest, WhatHasGoneMeanwhileIsStoredAgainWhenItIsUsed) {
    results_ = {found("{\"data\":1}")};
    ask(wanted("k"));
    const auto hit = cache_.find("k", Clock::now() + 15s);
    ASSERT_TRUE(hit.prolong);
    test::run(loop_, store_->put("k", "", Lifetime{0ms}, Deadline::never()));
    cache_.prolong(loop_.get_executor(), "k", hit.value);
    loop_.restart();
    loop_.run();
    const auto stored = test::run(loop_, store_->get("k", Deadline::never()));
    EXPECT_EQ(stored.status, StoreStatus::found);
    EXPECT_FALSE(stored.on_trial);
}

TEST_F(TwoLevelCacheTest, NewcomersFillHalfOfTheBudgetAndAreServedAllTheSame) {
    TwoLevelCache small{{1 << 20, 20'000}, store_, coherence_, metrics_};
    results_ = {found("{\"data\":\"" + std::string(1'000, 'x') + "\"}")};
    for (int i = 0; i < 50; ++i) {
        Answer answer;
        boost::asio::co_spawn(
            loop_.get_executor(),
            small.load(loop_.get_executor(), wanted("k" + std::to_string(i)), Deadline::after(Clock::now(), 10s)),
            [&](std::exception_ptr, Answer result) { answer = std::move(result); });
        loop_.restart();
        loop_.run();
        EXPECT_EQ(answer.how, How::loaded);
        EXPECT_TRUE(small.find("k" + std::to_string(i), Clock::now()).value);
    }
    EXPECT_LE(small.level_two_bytes(), 10'000u);
    EXPECT_LE(store_->bytes(), 10'000u);
    EXPECT_GT(store_->bytes(), 5'000u);
    EXPECT_TRUE(small.drain(Deadline::after(Clock::now(), 10s)));
}

TEST_F(TwoLevelCacheTest, WhatTheProcessDoesNotTakeIsNotSharedEither) {
    const std::string large(300 * 1024, 'x');  // of a quarter of 1 MiB
    results_ = {found("{\"data\":\"" + large + "\"}")};
    EXPECT_EQ(ask(wanted("k")).how, How::loaded);
    EXPECT_EQ(ask(wanted("k")).how, How::loaded);
    EXPECT_EQ(store_->bytes(), 0u);
    EXPECT_NE(metrics_.render().find(R"(sluice_cache_not_kept_total{level="l1",reason="size"} 2)"), std::string::npos);
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
    results_ = {Loaded{false, "", {}, true}};
    EXPECT_EQ(ask(wanted("k")).how, How::absent);
    EXPECT_EQ(ask(wanted("k")).how, How::absent);
    EXPECT_EQ(loads_, 2);
}

TEST_F(TwoLevelCacheTest, AnInvalidatedValueIsLoadedAgain) {
    results_ = {found("{\"data\":1}", Label{1, {10, {}}})};
    ask(wanted("k", {"city:1"}));
    ASSERT_NE(cache_.find("k", Clock::now()).value, nullptr);
    coherence_.learn(answered_poll({{1, 15, postgres::Invalidation::Kind::tag, "city:1"}}));
    EXPECT_EQ(cache_.find("k", Clock::now()).value, nullptr);
    results_ = {found("{\"data\":2}", Label{1, {20, {}}})};
    const auto answer = ask(wanted("k", {"city:1"}));
    EXPECT_EQ(answer.how, How::loaded);
    EXPECT_EQ(answer.value->body, "{\"data\":2}");
}

TEST_F(TwoLevelCacheTest, AReplicaThatLagsIsAskedOnceThenThePrimary) {
    coherence_.learn(answered_poll({{1, 15, postgres::Invalidation::Kind::tag, "city:1"}}));
    results_ = {found("{\"data\":\"old\"}", Label{1, {10, {}}}), found("{\"data\":\"new\"}", Label{1, {20, {}}}, true)};
    const auto answer = ask(wanted("k", {"city:1"}));
    EXPECT_EQ(answer.value->body, "{\"data\":\"new\"}");
    EXPECT_EQ(loads_, 2);
    EXPECT_TRUE(last_on_primary_);
}

TEST_F(TwoLevelCacheTest, WhenLoadingFailsTheInvalidatedCopyStandsIn) {
    results_ = {found("{\"data\":1}", Label{1, {10, {}}})};
    ask(wanted("k", {"city:1"}));
    coherence_.learn(answered_poll({{1, 15, postgres::Invalidation::Kind::tag, "city:1"}}));
    results_.clear();
    const auto answer = ask(wanted("k", {"city:1"}));
    EXPECT_EQ(answer.how, How::stale);
    EXPECT_EQ(answer.value->body, "{\"data\":1}");
}

TEST_F(TwoLevelCacheTest, WithoutACopyAFailedLoadFails) {
    const auto answer = ask(wanted("k"));
    EXPECT_EQ(answer.how, How::failed);
    EXPECT_EQ(answer.error.kind, DatabaseError::Kind::unavailable);
}

TEST_F(TwoLevelCacheTest, BadInputIsNotAnsweredByAStaleCopy) {
    auto expired = wanted("k");
    expired.ttl = 0s;
    results_ = {found("{\"data\":1}")};
    ask(std::move(expired));
    results_ = {DatabaseError{DatabaseError::Kind::rejected, "22003", "out of range"}};
    EXPECT_EQ(ask(wanted("k")).how, How::failed);
    results_ = {DatabaseError{DatabaseError::Kind::rejected, "53300", "too many connections"}};
    EXPECT_EQ(ask(wanted("k")).how, How::stale);
}

TEST_F(TwoLevelCacheTest, ACallerLeavesAtItsDeadlineAndTheLoadGoesOn) {
    const auto slow = std::make_shared<runtime::OneShot<LoadResult>>(loop_.get_executor());
    auto want = wanted("k");
    want.load = [slow](bool, Deadline) -> awaitable<LoadResult> {
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
    EXPECT_EQ(answer.error.kind, DatabaseError::Kind::timed_out);
    EXPECT_NE(cache_.find("k", Clock::now()).value, nullptr) << "the load ended after its caller had left";
}

TEST_F(TwoLevelCacheTest, PastItsTtlOneReaderRefreshesWhileAllAreServed) {
    results_ = {found("{\"data\":1}")};
    auto want = wanted("k");
    want.revalidate = 10s;
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
    want.revalidate = 10s;
    ask(want);
    results_ = {DatabaseError{DatabaseError::Kind::unavailable, "", "no server"}};
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
        const postgres::Invalidation row{round, xid, postgres::Invalidation::Kind::tag, "t"};
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
    results_ = {Loaded{false, {}, Label{1, {10, {}}}, true}};
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

    coherence_.learn(answered_poll({{1, 20, postgres::Invalidation::Kind::tag, "t"}}));
    EXPECT_EQ(cache_.find("k", Clock::now()).value, nullptr) << "something has come into being";
    results_ = {DatabaseError{DatabaseError::Kind::unavailable, "", "no server"}};
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

}  // namespace sluice::cache
