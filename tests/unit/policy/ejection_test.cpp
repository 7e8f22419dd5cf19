#include "policy/ejection.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::policy {

using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1h};

bool fail(Ejection& ejection, std::size_t endpoint, TimePoint now, int times = 5) {
    bool ejected = false;
    for (int i = 0; i < times; ++i) ejected = ejection.count(endpoint, true, now);
    return ejected;
}

/// So many requests to one endpoint, of which `failed` fail, never five in a row.
void send(Ejection& ejection, std::size_t endpoint, TimePoint now, unsigned requests, unsigned failed) {
    for (unsigned i = 0; i < requests; ++i)
        ejection.count(endpoint, i * failed / requests != (i + 1) * failed / requests, now);
}

}  // namespace

TEST(Ejection, FiveFailuresInARowPutAnEndpointOutForHalfAMinute) {
    Ejection ejection{3};
    EXPECT_FALSE(fail(ejection, 1, start, 4));
    EXPECT_FALSE(ejection.ejected(1, start));
    EXPECT_TRUE(ejection.count(1, true, start));
    EXPECT_TRUE(ejection.ejected(1, start + 30s - 1ns));
    EXPECT_FALSE(ejection.ejected(1, start + 30s)) << "it comes back by itself";
    EXPECT_FALSE(ejection.ejected(0, start));
}

TEST(Ejection, ASuccessBetweenBeginsAnew) {
    Ejection ejection{3};
    for (int i = 0; i < 100; ++i) {
        fail(ejection, 0, start, 4);
        ejection.count(0, false, start);
    }
    EXPECT_FALSE(ejection.ejected(0, start));
}

TEST(Ejection, TheTimeDoublesToFiveMinutes) {
    Ejection ejection{2};
    auto now = start;
    for (const auto expected : {30s, 60s, 120s, 240s, 300s, 300s}) {
        ASSERT_TRUE(fail(ejection, 0, now));
        EXPECT_TRUE(ejection.ejected(0, now + expected - 1ns));
        EXPECT_FALSE(ejection.ejected(0, now + expected));
        now += expected;
    }
    now += 5min;
    ASSERT_TRUE(fail(ejection, 0, now)) << "it was well for five minutes";
    EXPECT_FALSE(ejection.ejected(0, now + 30s));
}

TEST(Ejection, NeverMoreThanHalfAreOut) {
    for (std::size_t size = 1; size <= 7; ++size) {
        Ejection ejection{size};
        for (std::size_t i = 0; i < size; ++i) fail(ejection, i, start, 100);
        EXPECT_EQ(ejection.ejected_at(start), size / 2) << size << " endpoints";
    }
}

TEST(Ejection, WhatFailsOfAnEndpointThatIsOutDoesNotProlongIt) {
    Ejection ejection{2};
    fail(ejection, 0, start);
    EXPECT_FALSE(fail(ejection, 0, start + 29s));
    EXPECT_FALSE(ejection.ejected(0, start + 30s));
}

TEST(Ejection, AnErrorRateFarAboveThatOfTheOthersPutsAnEndpointOut) {
    struct Case {
        std::vector<unsigned> failed;  // of 100 requests to each endpoint
        std::vector<bool> ejected;
    };
    const std::vector<Case> cases{
        {{0, 0, 0, 0, 50}, {false, false, false, false, true}},
        {{0, 0, 0, 0, 10}, {false, false, false, false, false}},      // chance could do that
        {{40, 41, 42, 40, 50}, {false, false, false, false, false}},  // all of them fail: no endpoint's fault
        {{1, 2, 1, 2, 30}, {false, false, false, false, true}},
        {{0, 0, 0, 50}, {false, false, false, false}},  // too few to compare
        {{10, 20, 30, 40, 50}, {false, false, false, false, false}},
    };
    for (const auto& one : cases) {
        Ejection ejection{one.failed.size()};
        for (std::size_t i = 0; i < one.failed.size(); ++i) send(ejection, i, start, 100, one.failed[i]);
        ejection.count(0, false, start + 10s);
        for (std::size_t i = 0; i < one.failed.size(); ++i)
            EXPECT_EQ(ejection.ejected(i, start + 10s), one.ejected[i])
                << i << " of " << ::testing::PrintToString(one.failed);
    }
}

TEST(Ejection, FewRequestsAreNotCompared) {
    Ejection ejection{5};
    for (std::size_t i = 0; i < 4; ++i) send(ejection, i, start, 100, 0);
    send(ejection, 4, start, 19, 10);
    ejection.count(0, false, start + 10s);
    EXPECT_FALSE(ejection.ejected(4, start + 10s));
}

TEST(Ejection, RandomRequestsNeverPutOutMoreThanHalf) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random{seed};
        const std::size_t size = 1 + random() % 9;
        Ejection ejection{size};
        std::vector<unsigned> failing(size);
        for (auto& percent : failing) percent = static_cast<unsigned>(random() % 101);
        auto now = start;
        for (int step = 0; step < 2000; ++step) {
            now += std::chrono::milliseconds{random() % 200};
            const auto i = random() % size;
            ejection.count(i, random() % 100 < failing[i], now);
            ASSERT_LE(ejection.ejected_at(now) * 2, size) << "seed " << seed;
        }
    }
}

}  // namespace sluice::policy
