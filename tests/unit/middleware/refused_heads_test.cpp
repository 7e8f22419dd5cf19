#include "middleware/refused_heads.hpp"

#include <gtest/gtest.h>

namespace sluice::middleware {
namespace {

using namespace std::chrono_literals;

class RefusedHeadsTest : public ::testing::Test {
protected:
    bool over(std::string_view peer, std::string_view head = "BREW / HTTP/1.1\r\n") {
        return heads_.count(peer, head).has_value();
    }

    TimePoint now_{1h};
    memory::RateLimiter local_{{}, [this] { return now_; }};
    telemetry::Metrics metrics_;
    const std::map<std::string, Tier> tiers_{{"anonymous", {{{3, 60s}}}}, {"partner", {{{5, 60s}}}}, {"internal", {}}};
    const LimitedClients clients_{
        {.addresses = {{"203.0.113.0/24", "partner"}, {"203.0.113.128/25", std::nullopt}, {"2001:db8:1::/48", "internal"}},
         .exempt_keys = {}}};
    RefusedHeads heads_{local_, tiers_, clients_, {"10.0.0.0/8"}, metrics_};
};

}  // namespace

TEST_F(RefusedHeadsTest, CountsEachAddressLikeAnAnonymousClient) {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(over("192.0.2.1"));
    EXPECT_TRUE(over("192.0.2.1"));
    EXPECT_FALSE(over("192.0.2.2"));
    EXPECT_EQ(heads_.count("192.0.2.1", ""), 60s);
    now_ += 60s;
    EXPECT_FALSE(over("192.0.2.1"));
    const RateLimit limit{3, 60s};
    EXPECT_EQ(local_.acquire_now({"ip:192.0.2.1", limit}).remaining, 1u) << "one count for both";
}

TEST_F(RefusedHeadsTest, AListedAddressHasTheLimitThatIsListed) {
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(over("203.0.113.1"));
    EXPECT_TRUE(over("203.0.113.1"));
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(over("203.0.113.200"));
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(over("2001:db8:1::1"));
}

TEST_F(RefusedHeadsTest, BehindATrustedProxyTheClientIsCounted) {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(over("10.0.0.1", "BREW / HTTP/1.1\r\nx-forwarded-for: 192.0.2.7\r\n"));
    EXPECT_TRUE(
        over("10.0.0.1", "BREW / HTTP/1.1\r\nA: b\r\nX-Forwarded-For:\t198.51.100.1,\r\nX-Forwarded-For: 192.0.2.7\r\n"));
    EXPECT_TRUE(over("192.0.2.7", "X-Forwarded-For: 192.0.2.8\r\n")) << "who is no proxy is not believed";
    EXPECT_FALSE(over("10.0.0.1", "BREW / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.8\r\n"));
}

TEST_F(RefusedHeadsTest, AProxyItselfIsNeverRefused) {
    for (const auto* head : {"BREW / HTTP/1.1\r\n", "", "X-Forwarded-For", "X-Forwarded-For: 10.1.1.1, nonsense\r\n"}) {
        for (int i = 0; i < 10; ++i) EXPECT_FALSE(over("10.0.0.1", head));
    }
}

}  // namespace sluice::middleware
