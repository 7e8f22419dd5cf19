// What a route with SQL makes of what the database says, without PostgreSQL.
#include "endpoints/sql_endpoint.hpp"

#include "support/endpoint_fixture.hpp"

#include <gmock/gmock.h>

namespace sluice::endpoints {
namespace {

using namespace std::chrono_literals;
using Kind = DatabaseError::Kind;
using ::testing::ElementsAre;

class SqlEndpointTest : public test::EndpointTest {
protected:
    static RouteSettings route(Method method = Method::get) {
        RouteSettings made;
        made.method = method;
        made.pattern = "/things/{id}";
        ParameterSettings id;
        id.name = "id";
        id.type = ParameterType::integer;
        id.in_path = id.required = true;
        made.parameters = {id};
        made.sql().text = "select * from thing where id = :id and owner is not distinct from :key_id";
        made.sql().result = ResultShape::one;
        return made;
    }
    static RouteSettings cached(Duration ttl = 1h) {
        auto made = route();
        made.cache.emplace().ttl = std::chrono::duration_cast<milliseconds>(ttl);
        made.cache->tags = {"thing:{id}"};
        return made;
    }
    std::shared_ptr<SqlEndpoint> make(RouteSettings settings) {
        return std::make_shared<SqlEndpoint>(std::move(settings), std::vector<std::string>{"id"}, database, cache, nullptr,
                                             SqlEndpoint::Defaults{.key_secrets = {}, .body_lane = &lane});
    }
    void rows(std::string json) {
        database.answer_with([json](const StatementSpec&, const Query&) {
            auto result = memory::Database::row(json);
            result->label = Label{1, {1'000, {}}};
            result->from_primary = true;
            return result;
        });
    }
    void fails(DatabaseError error) {
        database.answer_with([error](const StatementSpec&, const Query&) -> memory::Database::Result { return error; });
    }
    Response ask(const SqlEndpoint& endpoint, const std::string& id, std::vector<HeaderField> fields = {}) {
        return EndpointTest::ask(endpoint, Method::get, {"/things/{id}", {id}, {}, {}, std::move(fields)});
    }
};

}  // namespace

TEST_F(SqlEndpointTest, BindsWhatTheRequestHasInTheOrderOfItsNames) {
    rows(R"({"id":7})");
    const auto endpoint = make(route());
    const auto answer = ask(*endpoint, "7");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body_view(), R"({"data":{"id":7}})");
    ASSERT_EQ(database.queries().size(), 1u);
    EXPECT_THAT(database.queries()[0].values, ElementsAre("7", std::nullopt, std::nullopt, std::nullopt, std::nullopt));
    EXPECT_EQ(ask(*endpoint, "x").status, 400u);
    EXPECT_EQ(database.queries().size(), 1u) << "what is refused is not asked";
}

TEST_F(SqlEndpointTest, AStatementIsKnownAsLongAsARouteNamesIt) {
    auto one = make(route());
    const auto same = make(route());
    EXPECT_EQ(database.statements(), 1u);
    one.reset();
    EXPECT_EQ(database.statements(), 1u);
}

TEST_F(SqlEndpointTest, EachFailureHasItsStatus) {
    const auto endpoint = make(route());
    const std::vector<std::pair<DatabaseError, unsigned>> cases{{{Kind::unavailable, {}, {}}, 503},
                                                                {{Kind::overloaded, {}, {}}, 503},
                                                                {{Kind::timed_out, {}, {}}, 504},
                                                                {{Kind::no_memory, {}, {}}, 503},
                                                                {{Kind::too_large, {}, {}}, 500},
                                                                {{Kind::rejected, "23505", "duplicate"}, 409},
                                                                {{Kind::rejected, "42703", "no column"}, 500}};
    for (const auto& [error, status] : cases) {
        fails(error);
        const auto answer = ask(*endpoint, "7");
        EXPECT_EQ(answer.status, status);
        EXPECT_EQ(answer.body_view().find("no column"), std::string_view::npos) << "the database's words are for the log";
    }
}

TEST_F(SqlEndpointTest, ACopyAnswersAndStandsInForWhatIsNotThere) {
    rows(R"({"id":7})");
    const auto endpoint = make(cached());
    EXPECT_EQ(ask(*endpoint, "7").headers.find("Cache-Status"), "sluice; fwd=miss");
    const auto asked = database.queries().size();
    const auto hit = ask(*endpoint, "7");
    EXPECT_EQ(hit.body_view(), R"({"data":{"id":7}})");
    EXPECT_TRUE(hit.headers.find("Cache-Status")->starts_with("sluice; hit"));
    EXPECT_EQ(database.queries().size(), asked);
    EXPECT_EQ(ask(*endpoint, "7", {{"If-None-Match", *hit.headers.find("ETag")}}).status, 304u);

    const auto brief = make(cached(1ms));
    EXPECT_EQ(ask(*brief, "8").status, 200u);
    fails({Kind::unavailable, {}, {}});
    const auto until = Clock::now() + 10s;
    Response stale;
    do stale = ask(*brief, "8");
    while (!stale.headers.find("Cache-Status")->ends_with("detail=stale") && Clock::now() < until);
    EXPECT_EQ(stale.body_view(), R"({"data":{"id":7},"stale":true})");
    fails({Kind::rejected, "42703", "no column"});
    EXPECT_EQ(ask(*brief, "8").status, 500u) << "what is refused has no copy in its place";
}

TEST_F(SqlEndpointTest, WhatAReplicaDoesNotHaveIsLookedUpOnThePrimary) {
    database.answer_with([](const StatementSpec&, const Query& query) -> memory::Database::Result {
        QueryResult result;
        result.found = query.primary;
        if (query.primary) result.json = R"({"id":7})";
        result.from_primary = query.primary;
        return result;
    });
    EXPECT_EQ(ask(*make(cached()), "7").status, 200u);
    ASSERT_EQ(database.queries().size(), 2u);
    EXPECT_FALSE(database.queries()[0].primary);
    EXPECT_TRUE(database.queries()[1].primary);
}

TEST_F(SqlEndpointTest, FallbacksComeBeforeAStaleCopy) {
    auto settings = cached(1ms);
    settings.fallbacks.push_back({{}, Fallback::Constant{R"({"id":0})"}});
    const auto endpoint = make(settings);
    rows(R"({"id":7})");
    EXPECT_EQ(ask(*endpoint, "7").body_view(), R"({"data":{"id":7}})");
    fails({Kind::unavailable, {}, {}});
    const auto until = Clock::now() + 10s;
    Response answer;
    do answer = ask(*endpoint, "7");
    while (answer.body_view() == R"({"data":{"id":7}})" && Clock::now() < until);
    EXPECT_EQ(answer.body_view(), R"({"data":{"id":0},"degraded":true})");
    EXPECT_EQ(answer.status, 200u);
    fails({Kind::rejected, "42703", "no column"});
    EXPECT_EQ(ask(*endpoint, "7").status, 500u);
}

}  // namespace sluice::endpoints
