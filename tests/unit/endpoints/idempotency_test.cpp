// The request field Idempotency-Key, and which requests are the same.
#include "endpoints/idempotency.hpp"

#include "endpoints/representation.hpp"

#include "endpoints/database_problem.hpp"
#include "sluice/handler.hpp"
#include "support/exchange_fixture.hpp"

#include <gtest/gtest.h>

namespace sluice::endpoints {
namespace {

using Mode = IdempotencyMode;

/// The key that is read, or `! ` and why it was refused.
std::optional<std::string> read(const std::vector<std::string>& values, Mode mode = Mode::optional) {
    Request request;
    for (const auto& value : values) request.headers.push_back({"idempotency-key", value});
    std::vector<InputError> errors;
    auto key = idempotency_key(request, mode, errors);
    if (errors.empty()) return key;
    EXPECT_FALSE(key);
    EXPECT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].in, "header");
    EXPECT_EQ(errors[0].name, "Idempotency-Key");
    return "! " + errors[0].message;
}

class Asked {
public:
    Asked(std::string pattern, std::vector<std::string> path_values, std::vector<QueryParameter> query)
        : exchange_{loop_.get_executor(), no_body_} {
        route_.pattern = std::move(pattern);
        exchange_.route = &route_;
        exchange_.path_values = std::move(path_values);
        exchange_.query = std::move(query);
    }
    std::string hash(std::string_view body) const { return payload_hash(exchange_, body); }

private:
    boost::asio::io_context loop_{1};
    test::NoBody no_body_;
    Route route_;
    Exchange exchange_;
};

}  // namespace

TEST(IdempotencyKeyField, AQuotedStringAndABareTokenAreTheSameKey) {
    EXPECT_EQ(read({R"("8e03978e-40d5-43dd")"}), "8e03978e-40d5-43dd");
    EXPECT_EQ(read({"8e03978e-40d5-43dd"}), "8e03978e-40d5-43dd");
    EXPECT_EQ(read({R"("a\"b\\c")"}), R"(a"b\c)");
    EXPECT_EQ(read({std::string(255, 'k')}), std::string(255, 'k'));
    EXPECT_EQ(read({"~!#"}), "~!#");
}

TEST(IdempotencyKeyField, IsRefusedUnlessItIsOneShortVisibleText) {
    const std::string expected =
        R"(! must be 1 to 255 visible ASCII characters, alone or between quotes as in "8e03978e-40d5-43dd")";
    for (const std::string value : {"", R"("")", "a b", R"("a b")", "a\tb", "caf\xc3\xa9", R"("open)", R"(")", R"("a"b")",
                                    R"("a";b=1)", R"("a\n")", R"("a\)", "\x7f"}) {
        EXPECT_EQ(read({value}), expected) << value;
    }
    EXPECT_EQ(read({std::string(256, 'k')}), expected);
    EXPECT_EQ(read({'"' + std::string(256, 'k') + '"'}), expected);
    EXPECT_EQ(read({"a", "a"}), "! must not be repeated");
}

TEST(IdempotencyKeyField, TheRouteSaysWhetherItMustBeThere) {
    EXPECT_EQ(read({}), std::nullopt);
    EXPECT_EQ(read({}, Mode::required), "! is required");
    EXPECT_EQ(read({"k"}, Mode::required), "k");
    EXPECT_EQ(read({"k"}, Mode::off), std::nullopt);
    EXPECT_EQ(read({"", ""}, Mode::off), std::nullopt) << "what means nothing cannot be wrong";
}

TEST(IdempotencyPayload, IsTheSameForEverySpellingOfPathAndQuery) {
    const Asked asked{"/v1/cities/{id}/reviews", {"7"}, {{"a", "1"}, {"b", "x y"}}};
    EXPECT_EQ(asked.hash("{}").size(), 64U);
    EXPECT_EQ(asked.hash("{}"), (Asked{"/v1/cities/{id}/reviews", {"7"}, {{"b", "x y"}, {"a", "1"}}}.hash("{}")));
    EXPECT_NE(asked.hash("{}"), asked.hash("{ }")) << "the body's bytes count";
    EXPECT_NE(asked.hash("{}"), (Asked{"/v1/cities/{id}/reviews", {"8"}, {{"a", "1"}, {"b", "x y"}}}.hash("{}")));
    EXPECT_NE(asked.hash("{}"), (Asked{"/v1/cities/{id}/reviews", {"7"}, {{"a", "1"}, {"b", "xy"}}}.hash("{}")));
    EXPECT_NE((Asked{"/a", {}, {{"q", ""}}}.hash("")), (Asked{"/a", {}, {}}.hash("?q=")))
        << "no text of a body makes up for a query";
    // SHA-256 of "/a\n"
    EXPECT_EQ((Asked{"/a", {}, {}}.hash("")), "2dcc5f529a273b6c724045ba06f40c4cfd82a940615ca7de15535ca68da5dbb0");
}

TEST(IdempotencyProblem, EachOutcomeHasItsStatus) {
    const auto problem = [](DatabaseError::Kind kind) { return to_problem({kind, {}, "secret"}, InputSource::body); };
    const auto in_flight = problem(DatabaseError::Kind::in_flight);
    EXPECT_EQ(in_flight.status, 409U);
    EXPECT_EQ(in_flight.retry_after, std::chrono::seconds{1});
    EXPECT_EQ(problem(DatabaseError::Kind::other_payload).status, 422U);
    EXPECT_FALSE(problem(DatabaseError::Kind::other_payload).retry_after) << "it will never do";
    EXPECT_EQ(problem(DatabaseError::Kind::keys_not_kept).status, 503U);
}

TEST(KeptResponse, IsWhatWasKept) {
    const auto made = own_response({201, R"({"data":{"id":1}})"});
    EXPECT_EQ(made.status, 201U);
    EXPECT_EQ(made.body_view(), R"({"data":{"id":1}})");
    EXPECT_EQ(made.headers.find("Content-Type"), "application/json");
    EXPECT_EQ(made.headers.find("Cache-Control"), "no-store");
    const auto none = own_response({204, std::nullopt});
    EXPECT_EQ(none.status, 204U);
    EXPECT_EQ(none.body_view(), "");
}

}  // namespace sluice::endpoints
