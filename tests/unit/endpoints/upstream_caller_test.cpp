#include "endpoints/upstream_caller.hpp"
#include "support/exchange_fixture.hpp"

#include <gtest/gtest.h>

namespace sluice::endpoints {

TEST(UpstreamCaller, IsWhoAsks) {
    test::ExchangeFixture fixture;
    auto& exchange = fixture.exchange;
    exchange.client_address = "203.0.113.9";
    exchange.request.headers = {{"host", "api.example"}};
    exchange.trace.traceparent = "00-a-b-01";
    exchange.request_id = "r1";
    exchange.identity.id = "k1";
    exchange.identity.tier = "pro";
    exchange.identity.scopes = {"read", "write"};
    const auto caller = caller_of(exchange);
    EXPECT_EQ(caller.address, "203.0.113.9");
    EXPECT_EQ(caller.host, "api.example");
    EXPECT_EQ(caller.traceparent, "00-a-b-01");
    EXPECT_EQ(caller.request_id, "r1");
    EXPECT_EQ(caller.id, "k1");
    EXPECT_EQ(caller.tier, "pro");
    EXPECT_EQ(caller.scopes, "read write");
}

}  // namespace sluice::endpoints
