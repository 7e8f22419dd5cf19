// What a client is told of PostgreSQL's errors, over HTTP: the situations S13 to S25, and how functions and files decide.
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string config = R"(server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
log: { level: debug }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
tiers: { anonymous: { requests: 100000 } }
errors: { "45000": 409, "45001": 410 }
routes:
  GET /search:
    params: { q: string }
    sql: select id from item where to_tsvector(name) @@ to_tsquery(:q)
  GET /path:
    params: { p: string }
    sql: select jsonb_path_query('{"a":1}'::jsonb, :p::jsonpath) as it
  POST /small:
    body: { properties: { id: { type: integer }, price: { type: integer } }, required: [id, price] }
    result: none
    sql: insert into small_item (id, price) values (:id, :price)
  PUT /items:
    body: { properties: { rows: { type: array, items: { type: object } } }, required: [rows] }
    result: none
    sql: >
      insert into item (id, name, price) select id, name, price from jsonb_to_recordset(:rows::jsonb) as
      r(id int, name text, price numeric) on conflict (id) do update set name = excluded.name
  POST /locked:
    result: many
    sql: with it as (select id from item where id = 1 for update nowait) update item set price = price from it where item.id = it.id returning item.id
  GET /fail:
    params: { state: { type: string, required: true }, text: { type: string, default: "made up" } }
    sql: select public.fail_with(:state, :text) as it
  GET /told:
    params: { state: { type: string, required: true }, text: { type: string, default: "made up" } }
    messages: true
    errors: { "45001": 418 }
    sql: select public.fail_with(:state, :text) as it
  GET /ratio:
    sql: select 100 / price as ratio from item
  GET /ratio/{by}:
    params: { by: integer }
    sql: select 100 / :by as ratio
  GET /stored:
    params: { id: integer }
    sql: select name::int as number from item where id = :id
  GET /far:
    sql: select id from public.far_away
)";

class SqlErrors : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        sql("drop table if exists item cascade; create table item (id int primary key, name text constraint named not null,"
            " price int constraint not_negative check (price >= 0)); insert into item values (1, 'one', 0), (2, 'two', 2);"
            " create view small_item as select * from item where price < 10 with check option;"
            " create or replace function public.fail_with(state text, words text) returns int language plpgsql as"
            " $$ begin raise exception using errcode = state, message = words, detail = 'the detail', hint = 'the hint';"
            " end $$");
        sql_at(stack.env("SLUICE_PG_SUPER"),
               "create extension if not exists postgres_fdw; drop server if exists gone cascade; create server gone foreign"
               " data wrapper postgres_fdw options (host '127.0.0.1', port '1'); create user mapping for public server gone"
               " options (user 'x', password 'y'); create foreign table public.far_away (id int) server gone;"
               " grant select on public.far_away to sluice");
        instance_ =
            std::make_unique<Instance>(directory_.write("errors.yaml", config), Environment{{"SLUICE_PG_PRIMARY", primary}});
    }
    void TearDown() override {
        instance_.reset();
        sql_at(stack.env("SLUICE_PG_SUPER"), "drop server if exists gone cascade");
        sql("drop table if exists item cascade; drop function if exists public.fail_with(text, text)");
    }
    HttpResponse get(const std::string& target) const { return http_get(instance_->port(), target); }
    HttpResponse send(const std::string& method, const std::string& target, const std::string& body) const {
        HttpClient client{instance_->port()};
        return client.request(method, target, body, "Content-Type: application/json\r\n");
    }

    TemporaryDirectory directory_;
    std::unique_ptr<Instance> instance_;
};

}  // namespace

TEST_F(SqlErrors, HaveTheStatusThatTellsWhoseFaultItIs) {
    EXPECT_EQ(get("/search?q=red%20kettle").status, 400U) << "S13";
    EXPECT_EQ(get("/search?q=red%20%26%20kettle").status, 200U);
    EXPECT_EQ(get("/path?p=$.a").status, 200U);
    EXPECT_EQ(get("/path?p=%24%5B").status, 400U) << "a text of its own language";
    EXPECT_EQ(send("POST", "/small", R"({"id":7,"price":100})").status, 422U) << "S15";
    EXPECT_EQ(send("PUT", "/items", R"({"rows":[{"id":5,"name":"a"},{"id":5,"name":"b"}]})").status, 422U) << "S17";
    EXPECT_EQ(get("/ratio").status, 500U) << "S25: a price is 0, and nobody sent one";
    EXPECT_EQ(get("/ratio/0").status, 400U);
    EXPECT_EQ(get("/ratio/4").status, 200U);
    EXPECT_EQ(get("/stored?id=1").status, 500U) << "what is stored is no number";
    EXPECT_EQ(get("/far").status, 503U) << "S7";
    EXPECT_TRUE(get("/far").header("Retry-After"));
}

// Situation S19.
TEST_F(SqlErrors, ALockedRowIsWorthAnotherTry) {
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + std::chrono::seconds{60};
    postgres::Connection locker{primary, watchdog, limit};
    locker.execute("begin; select from item where id = 1 for update", limit);
    const auto response = send("POST", "/locked", "");
    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(response.header("Retry-After"), "1");
    locker.execute("rollback", limit);
    EXPECT_EQ(send("POST", "/locked", "").status, 200U);
}

TEST_F(SqlErrors, NameTheConstraintOrTheColumnAndNothingElse) {
    const auto check = send("PUT", "/items", R"({"rows":[{"id":9,"name":"x","price":-5}]})");
    EXPECT_EQ(check.status, 422U);
    const auto errors = nlohmann::json::parse(check.body).at("errors");
    EXPECT_EQ(errors.at(0).at("in"), "constraint");
    EXPECT_EQ(errors.at(0).at("name"), "not_negative");
    EXPECT_THAT(check.body, Not(HasSubstr("Failing row")));
    const auto missing = send("PUT", "/items", R"({"rows":[{"id":9}]})");
    EXPECT_EQ(missing.status, 422U);
    EXPECT_EQ(nlohmann::json::parse(missing.body).at("errors").at(0).at("name"), "name");
}

// Situation S23.
TEST_F(SqlErrors, AFunctionDecidesStatusAndTexts) {
    const auto response = get("/fail?state=PT402&text=Payment%20required");
    EXPECT_EQ(response.status, 402U);
    const auto document = nlohmann::json::parse(response.body);
    EXPECT_EQ(document.at("title"), "Payment required");
    EXPECT_EQ(document.at("detail"), "the detail");
    EXPECT_EQ(document.at("hint"), "the hint");
    EXPECT_EQ(get("/fail?state=PT503").header("Retry-After"), "1");
}

TEST_F(SqlErrors, AConfigurationMapsStatesAndLetsMessagesPass) {
    EXPECT_EQ(get("/fail?state=45000").status, 409U);
    EXPECT_EQ(get("/fail?state=45001").status, 410U);
    EXPECT_EQ(get("/told?state=45001").status, 418U) << "the route's word goes before the file's";
    EXPECT_THAT(get("/fail?state=P0001&text=secret").body, Not(HasSubstr("secret")));
    EXPECT_THAT(get("/told?state=P0001&text=Too%20late.").body, HasSubstr("\"detail\":\"Too late.\""));
    EXPECT_THAT(get("/told?state=45000&text=Too%20late.").body, HasSubstr("\"detail\":\"Too late.\""));
    EXPECT_THAT(get("/told?state=XX000&text=secret").body, Not(HasSubstr("secret")));
}

TEST_F(SqlErrors, AreFoundInTheLogByTheirRequest) {
    const auto response = HttpClient{instance_->port()}.request("GET", "/fail?state=23505", "", "X-Request-Id: find-me\r\n");
    EXPECT_EQ(response.status, 409U);
    EXPECT_TRUE(eventually([&] {
        const auto log = instance_->log();
        const auto at = log.find("statement_refused");
        return at != std::string::npos && log.find("find-me", at) != std::string::npos;
    })) << instance_->log();
}

}  // namespace sluice::test
