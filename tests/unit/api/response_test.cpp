#include "sluice/response.hpp"
#include "sluice/problem.hpp"

#include <gtest/gtest.h>

namespace sluice {

TEST(HeaderBlock, FindsFieldsWhateverTheirCase) {
    HeaderBlock headers;
    headers.add("Content-Type", "text/plain");
    headers.add("ETag", "\"a\"");
    EXPECT_EQ(headers.find("etag"), "\"a\"");
    EXPECT_EQ(headers.find("content-type"), "text/plain");
    EXPECT_EQ(headers.find("age"), std::nullopt);
}

TEST(HeaderBlock, SetReplacesEveryFieldOfThatName) {
    HeaderBlock headers;
    headers.add("Vary", "a");
    headers.add("X", "1");
    headers.add("vary", "b");
    headers.set("Vary", "c");
    EXPECT_EQ(headers.wire(), "X: 1\r\nVary: c\r\n");
}

TEST(HeaderBlock, RefusesResponseSplitting) {
    HeaderBlock headers;
    EXPECT_THROW(headers.add("X", "a\r\nSet-Cookie: b"), std::invalid_argument);
    EXPECT_THROW(headers.add("X\n", "a"), std::invalid_argument);
    EXPECT_TRUE(headers.wire().empty());
}

TEST(Problem, IsRfc9457Json) {
    Problem problem = Problem::of(422, "The body does not match.");
    problem.errors.push_back({"body", "/stars", "must be at most 5"});
    const auto response = to_response(problem, "r1");
    EXPECT_EQ(response.status, 422u);
    EXPECT_EQ(response.headers.find("content-type"), "application/problem+json");
    EXPECT_EQ(response.headers.find("cache-control"), "no-store");
    EXPECT_EQ(response.body,
              R"({"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"The body does not match.",)"
              R"("request_id":"r1","errors":[{"in":"body","name":"/stars","message":"must be at most 5"}]})");
}

}  // namespace sluice
