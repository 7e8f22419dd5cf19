#include "endpoints/parameter_binding.hpp"

#include "support/exchange_fixture.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>
#include <boost/asio/executor_work_guard.hpp>

#include <future>
#include <thread>

namespace sluice::endpoints {
namespace {

using test::ExchangeFixture;

/// RE2's automaton of it does not fit its memory, so that each byte takes as many instructions as it has.
constexpr auto costly = "[ab]*a[ab]{40}c";

Parameters with_pattern(const std::string& pattern) {
    ParameterSettings code;
    code.name = "code";
    code.pattern = pattern;
    return Parameters{{code}, {}};
}

struct Bound {
    std::optional<Problem> problem;
    std::vector<std::optional<std::string>> values = std::vector<std::optional<std::string>>(1);
    std::vector<InputError> errors;
};

Bound bind_text(const Parameters& parameters, runtime::BlockingLane* lane, const std::string& text) {
    ExchangeFixture fixture;
    fixture.exchange.query.push_back({"code", text});
    const auto working = boost::asio::make_work_guard(fixture.loop);
    Bound bound;
    bound.problem = test::run(fixture.loop, bind_parameters(parameters, lane, fixture.exchange, bound.values, bound.errors));
    return bound;
}

std::string text_of(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += (i * i / 3) % 2 == 0 ? 'a' : 'b';
    return text;
}

}  // namespace

TEST(ParameterBinding, ALongTextIsMatchedOnTheLaneAndAShortOneAtOnce) {
    const auto parameters = with_pattern(costly);
    runtime::BlockingLane lane{1, 4};
    std::promise<void> free;
    std::promise<void> taken;
    // Whoever needs the lane is the second.
    ASSERT_TRUE(lane.try_submit([&](std::size_t) {
        taken.set_value();
        free.get_future().wait();
    }));
    taken.get_future().wait();
    const auto quick = bind_text(parameters, &lane, text_of(100) + "c");
    EXPECT_FALSE(quick.problem);
    EXPECT_EQ(lane.queued(), 0u);
    std::jthread later{[&] {
        while (lane.queued() == 0) std::this_thread::yield();
        free.set_value();
    }};
    const auto slow = bind_text(parameters, &lane, text_of(16'000));
    EXPECT_FALSE(slow.problem);
    ASSERT_EQ(slow.errors.size(), 1u);
    EXPECT_EQ(slow.errors[0].name, "code");
}

TEST(ParameterBinding, WhatIsMatchedOnTheLaneIsBoundAsElsewhere) {
    const auto parameters = with_pattern("^[ab]*$");
    runtime::BlockingLane lane{1, 4};
    const auto text = text_of(100'000);
    const auto bound = bind_text(parameters, &lane, text);
    EXPECT_TRUE(bound.errors.empty());
    EXPECT_EQ(bound.values[0], text);
}

TEST(ParameterBinding, AFullLaneIsAProblemToTryAgainWith) {
    const auto parameters = with_pattern(costly);
    runtime::BlockingLane lane{1, 0};
    const auto bound = bind_text(parameters, &lane, text_of(16'000));
    ASSERT_TRUE(bound.problem);
    EXPECT_EQ(bound.problem->status, 503u);
    EXPECT_EQ(bound.problem->retry_after, std::chrono::seconds{1});
}

}  // namespace sluice::endpoints
