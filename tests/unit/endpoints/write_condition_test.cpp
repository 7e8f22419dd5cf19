#include "endpoints/write_condition.hpp"

#include "cache/etag.hpp"
#include "support/exchange_fixture.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>

namespace sluice::endpoints {
namespace {

using test::ExchangeFixture;

ParameterSettings parameter(std::string name, bool in_path, bool required = false) {
    ParameterSettings made;
    made.name = std::move(name);
    made.in_path = in_path;
    made.required = required;
    return made;
}

/// `GET /things/{id}?lang=` as a `PUT /things/{thing}` meets it.
class WriteConditionTest : public ::testing::Test {
protected:
    WriteConditionTest() {
        fixture_.exchange.request.method = Method::put;
        fixture_.exchange.path_values = {"5"};
    }
    static RouteSettings route() {
        RouteSettings made;
        made.sql().text = "select 1";
        made.sql().result = ResultShape::one;
        return made;
    }
    std::variant<std::shared_ptr<const Condition>, Problem> ask(std::vector<HeaderField> fields, bool shown = true) {
        fixture_.exchange.request.headers = std::move(fields);
        const ShownState state{{StatementId{3}}, parameters_.size() + 4, parameters_, representation_, options_};
        return test::run(write_condition(fixture_.exchange, mode_, shown ? &state : nullptr, nullptr));
    }
    unsigned refusal(std::vector<HeaderField> fields, bool shown = true) {
        const auto asked = ask(std::move(fields), shown);
        const auto* problem = std::get_if<Problem>(&asked);
        return problem ? problem->status : 0;
    }
    std::shared_ptr<const Condition> condition(std::vector<HeaderField> fields) {
        return std::get<std::shared_ptr<const Condition>>(ask(std::move(fields)));
    }

    ExchangeFixture fixture_;
    PreconditionMode mode_ = PreconditionMode::optional;
    RouteOptions options_;
    Parameters parameters_{{parameter("id", true), parameter("lang", false)}, {"id"}};
    Representation representation_{route(), {}};
};

}  // namespace

TEST_F(WriteConditionTest, IsRefusedWhereItCannotBeJudged) {
    EXPECT_EQ(condition({{"If-Unmodified-Since", "now"}}), nullptr);
    EXPECT_EQ(refusal({{"If-Match", "abc"}}), 400u);
    EXPECT_EQ(refusal({{"If-None-Match", ""}}), 400u);
    EXPECT_EQ(refusal({{"If-None-Match", "*"}, {"If-None-Match", "\"a\""}}), 400u) << "repeated ones are one list";
    EXPECT_EQ(refusal({{"If-Match", "*"}}, false), 412u);
    EXPECT_EQ(refusal({{"If-None-Match", "*"}}, false), 0u);

    mode_ = PreconditionMode::required;
    EXPECT_EQ(refusal({}), 428u);
    EXPECT_EQ(refusal({{"If-Match", "*"}}), 0u);

    options_.scopes = {"read"};
    EXPECT_EQ(refusal({{"If-Match", "\"a\""}}), 403u);
    EXPECT_EQ(refusal({{"If-Match", "*"}}), 0u);
    fixture_.exchange.identity.kind = Identity::Kind::api_key;
    fixture_.exchange.identity.scopes = {"read"};
    EXPECT_EQ(refusal({{"If-Match", "\"a\""}}), 0u);
    options_ = {};
    options_.auth = AuthMode::required;
    EXPECT_EQ(refusal({{"If-Match", "\"a\""}}), 0u);
    fixture_.exchange.identity.kind = Identity::Kind::anonymous;
    EXPECT_EQ(refusal({{"If-Match", "\"a\""}}), 403u);
}

TEST_F(WriteConditionTest, ReadsWhatTheGetWouldRead) {
    auto& exchange = fixture_.exchange;
    exchange.query = {{"lang", "de"}, {"dry", "true"}};
    exchange.identity.kind = Identity::Kind::token;
    exchange.identity.id = "ann";
    exchange.identity.claims = "{}";
    const auto made = condition({{"If-Match", "*"}});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->read.statement.number(), 3u);
    using Values = std::vector<std::optional<std::string>>;
    EXPECT_EQ(made->read.values, (Values{"5", "de", std::nullopt, std::nullopt, "ann", "{}"}));

    parameters_ = Parameters{{parameter("id", true), parameter("lang", false, true)}, {"id"}};
    exchange.query = {{"dry", "true"}};
    const auto asked = ask({{"If-Match", "*"}});
    ASSERT_TRUE(std::holds_alternative<Problem>(asked));
    EXPECT_EQ(std::get<Problem>(asked).status, 400u);
    EXPECT_EQ(std::get<Problem>(asked).errors.at(0).name, "lang");
}

TEST_F(WriteConditionTest, HoldsOfTheRowThatIsShown) {
    QueryResult row;
    row.json = R"({"id":5})";
    row.found = true;
    const auto etag = cache::strong_etag(R"({"data":{"id":5}})");
    const auto coded = cache::coded_etag(etag, policy::ContentCoding::gzip);
    EXPECT_TRUE(condition({{"If-Match", etag}})->holds(row));
    EXPECT_TRUE(condition({{"If-Match", coded}})->holds(row));
    EXPECT_TRUE(condition({{"If-Match", "\"x\""}, {"if-match", etag}})->holds(row));
    EXPECT_FALSE(condition({{"If-Match", "\"x\""}})->holds(row));
    EXPECT_FALSE(condition({{"If-Match", etag}})->holds({}));
    EXPECT_TRUE(condition({{"If-Match", "*"}})->holds(row));
    EXPECT_FALSE(condition({{"If-Match", "*"}})->holds({}));
    EXPECT_FALSE(condition({{"If-None-Match", "*"}})->holds(row));
    EXPECT_TRUE(condition({{"If-None-Match", "*"}})->holds({}));
    EXPECT_FALSE(condition({{"If-None-Match", coded}})->holds(row));

    // By then the request may be gone, and its bytes with it.
    std::string value = etag;
    const auto kept = condition({{"If-Match", value}});
    value.assign(value.size(), 'x');
    EXPECT_TRUE(kept->holds(row));
}

}  // namespace sluice::endpoints
