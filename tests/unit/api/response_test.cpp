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

TEST(HeaderBlock, AddsToAListWhatIsNotInIt) {
    HeaderBlock headers;
    headers.add_to_list("Vary", "Origin");
    EXPECT_EQ(headers.wire(), "Vary: Origin\r\n");
    headers.add_to_list("vary", "origin");
    EXPECT_EQ(headers.wire(), "Vary: Origin\r\n") << "it is there";
    headers.add("X", "1");
    headers.add("Vary", "Accept ,\tX-Key");
    headers.add_to_list("Vary", "X-Key");
    EXPECT_EQ(headers.wire(), "Vary: Origin\r\nX: 1\r\nVary: Accept ,\tX-Key\r\n") << "in the second line";
    headers.add_to_list("Vary", "X-Ke");
    EXPECT_EQ(headers.wire(), "X: 1\r\nVary: Origin, Accept ,\tX-Key, X-Ke\r\n");
    headers.set("Vary", "");
    headers.add_to_list("Vary", "Origin");
    EXPECT_EQ(headers.find("Vary"), "Origin");
    EXPECT_THROW(headers.add_to_list("Vary", "a\r\nb"), std::invalid_argument);
}

TEST(HeaderBlock, AppendsAnotherBlock) {
    HeaderBlock some;
    some.add("A", "1");
    HeaderBlock more;
    more.add("B", "2");
    more.add("C", "");
    some.append(more);
    EXPECT_EQ(some.wire(), "A: 1\r\nB: 2\r\nC: \r\n");
    EXPECT_EQ(some.find("c"), "");
    EXPECT_EQ(some.find("a"), "1");
}

TEST(HeaderBlock, RefusesResponseSplitting) {
    HeaderBlock headers;
    EXPECT_THROW(headers.add("X", "a\r\nSet-Cookie: b"), std::invalid_argument);
    EXPECT_THROW(headers.add("X\n", "a"), std::invalid_argument);
    EXPECT_THROW(headers.add("X", std::string("a\0b", 3)), std::invalid_argument);
    EXPECT_THROW(headers.add("X", "a\r"), std::invalid_argument);
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
