// What an instance keeps in the store that all share: how much, how long, and what not.
#include "support/two_level_cache_fixture.hpp"

#include <gtest/gtest.h>

namespace sluice::cache {
namespace {

using namespace std::chrono_literals;
using How = Answer::How;

class SharedCopiesTest : public TwoLevelCacheTest {};

}  // namespace

TEST_F(SharedCopiesTest, AFirstCopyIsOnTrialAndOneThatTakesThePlaceOfAnotherIsNot) {
    results_ = {found("{\"data\":1}", Label{1, {10, {}}})};
    ask(wanted("k", {"t"}));
    auto stored = test::run(loop_, store_->get("k", Deadline::never()));
    ASSERT_EQ(stored.status, StoreStatus::found);
    EXPECT_TRUE(stored.on_trial);
    EXPECT_GT(stored.remaining, 1h) << "of its whole life, by which its age is known";
    const auto bytes = cache_.level_two_bytes();
    EXPECT_GT(bytes, 100u);

    const policy::Invalidation change{1, 20, policy::Invalidation::Kind::tag, "t"};
    coherence_.learn({&change, 1}, Clock::now());
    results_ = {found("{\"data\":2}", Label{1, {30, {}}})};
    ask(wanted("k", {"t"}));
    stored = test::run(loop_, store_->get("k", Deadline::never()));
    EXPECT_FALSE(stored.on_trial);
    EXPECT_NEAR(static_cast<double>(cache_.level_two_bytes()), static_cast<double>(bytes), 16.0) << "it took its place";
}

TEST_F(SharedCopiesTest, ACopyThatAnotherInstanceReadsLeavesItsTrial) {
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

TEST_F(SharedCopiesTest, AValueThatIsAskedForAgainLaterIsUsed) {
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

TEST_F(SharedCopiesTest, WhatHasGoneMeanwhileIsStoredAgainWhenItIsUsed) {
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

TEST_F(SharedCopiesTest, NewcomersFillHalfOfTheBudgetAndAreServedAllTheSame) {
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

TEST_F(SharedCopiesTest, WhatTheProcessDoesNotTakeIsNotSharedEither) {
    const std::string large(300 * 1024, 'x');  // of a quarter of 1 MiB
    results_ = {found("{\"data\":\"" + large + "\"}")};
    EXPECT_EQ(ask(wanted("k")).how, How::loaded);
    EXPECT_EQ(ask(wanted("k")).how, How::loaded);
    EXPECT_EQ(store_->bytes(), 0u);
    EXPECT_NE(metrics_.render().find(R"(sluice_cache_not_kept_total{level="l1",reason="size"} 2)"), std::string::npos);
}

}  // namespace sluice::cache
