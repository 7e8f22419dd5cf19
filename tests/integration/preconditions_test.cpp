// Conditional requests over HTTP: what a client may rely on, whichever instance it asks and whatever is cached.
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

constexpr auto config = R"(
server: { listen: "${SLUICE_LISTEN}", admin: "${SLUICE_ADMIN}" }
tiers: { anonymous: { requests: 1000000, window: 60s }, pro: { requests: 1000000, window: 60s } }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
auth: { key_secrets: ["${SLUICE_KEY_SECRET}"] }
x-item: &name { type: object, required: [name], properties: { name: { type: string } } }
routes:
  GET /items/{id}:
    params: { id: integer }
    result: one
    sql: select id, name from item where id = :id
  PUT /items/{item}:
    params: { item: integer }
    body: *name
    result: one
    sql: |
      insert into item (id, name) values (:item, :name)
      on conflict (id) do update set name = excluded.name, changes = item.changes + 1 returning id, name
    invalidates: ["item:{item}"]
  PATCH /items/{id}:
    params: { id: integer }
    body: *name
    precondition: required
    result: one
    sql: update item set name = :name, changes = changes + 1 where id = :id returning id, name
    invalidates: ["item:{id}"]
  DELETE /items/{id}:
    params: { id: integer }
    result: none
    sql: delete from item where id = :id

  GET /cached/{id}:
    params: { id: integer }
    result: one
    cache: { ttl: 300s, negative: 60s, tags: ["item:{id}"] }
    sql: select id, name from item where id = :id
  PATCH /cached/{id}:
    params: { id: integer }
    body: *name
    result: one
    sql: update item set name = :name, changes = changes + 1 where id = :id returning id, name
    invalidates: ["item:{id}"]

  GET /new/{id}:
    params: { id: integer }
    result: one
    sql: select name from item where id = :id
  PUT /new/{id}:
    params: { id: integer }
    body: *name
    result: one
    status: 201
    sql: insert into item (id, name) values (:id, :name) returning id

  GET /versions/{id}:
    params: { id: integer }
    result: one
    etag: version
    sql: select id, version, name, clock_timestamp() as now from item where id = :id
  PATCH /versions/{id}:
    params: { id: integer }
    body: *name
    result: one
    sql: update item set name = :name, version = version + 1 where id = :id returning version

  GET /off/{id}:
    params: { id: integer }
    result: one
    etag: off
    sql: select id, name from item where id = :id
  DELETE /off/{id}:
    params: { id: integer }
    result: none
    sql: delete from item where id = :id

  GET /pages:
    page: { by: id, size: 2 }
    sql: select id, name from item
  DELETE /pages:
    result: none
    sql: delete from item

  GET /mine/{id}:
    params: { id: integer, lang: { required: true } }
    scopes: [read]
    result: one
    cache: { ttl: 60s, vary: identity }
    sql: select id, name, :key_id as reader, :lang as lang from item where id = :id
  PATCH /mine/{id}:
    params: { id: integer, lang: string, note: string }
    scopes: [write]
    result: one
    sql: update item set name = coalesce(:note, name) where id = :id and (:lang::text is null or true) returning id, name

  POST /actions:
    result: one
    sql: select 'done' as state

  GET /large/{n}:
    params: { n: integer }
    sql: select i, 'row number ' || i as text from generate_series(1, :n::int) i
  GET /large-cached/{n}:
    params: { n: integer }
    cache: 300s
    sql: select i, 'row number ' || i as text from generate_series(1, :n::int) i

  GET /status/203: { status: 203, result: one, sql: select 1 as a }
  GET /status/204: { status: 204, result: one, sql: select 1 as a }
  GET /status/205: { status: 205, result: many, sql: select 1 as a }
  GET /status/none: { result: none, sql: select 1 as a }
  GET /cached-status/203: { status: 203, result: one, cache: 60s, sql: select 1 as a }
  GET /cached-status/204: { status: 204, result: one, cache: 60s, sql: select 1 as a }
  GET /cached-status/205: { status: 205, result: many, cache: 60s, sql: select 1 as a }
  GET /cached-status/none: { result: none, cache: 60s, sql: select 1 as a }
)";

class PreconditionsTest : public PostgresTest {
protected:
    void SetUp() override {
        stack.up();
        world_environment();  // before there is a schema of the role's name, in which the example would land
        PostgresTest::SetUp();
        sql("drop table if exists public.item; create table public.item (id int primary key, name text not null,"
            " changes int not null default 0, version int default 1);"
            " insert into public.item (id, name) values (1, 'one'), (2, 'two'), (3, 'three')");
        const auto file = directory_.write("c.yaml", config);
        instance_ = std::make_unique<Instance>(file, world_environment());
        other_ = std::make_unique<Instance>(file, world_environment());
    }
    void TearDown() override {
        other_.reset();
        instance_.reset();
        sql("drop table if exists public.item");
    }

    static std::string if_match(const std::string& etag) { return "If-Match: " + etag + "\r\n"; }
    static std::string if_none_match(const std::string& etag) { return "If-None-Match: " + etag + "\r\n"; }
    static std::string etag(const HttpResponse& response) { return response.header("ETag").value_or(""); }
    static std::string named(const std::string& name) { return R"({"name":")" + name + R"("})"; }

    HttpResponse get(const std::string& target, const std::string& fields = "") {
        return http_get(instance_->port(), target, fields);
    }
    HttpResponse head(const std::string& target, const std::string& fields = "") {
        HttpClient client{instance_->port()};
        client.send("HEAD " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
        return client.receive(HttpClient::Body::none).value();
    }
    static std::string json_fields(const std::string& body) {
        return body.empty() ? "" : "Content-Type: application/json\r\n";
    }
    HttpResponse send(const std::string& method, const std::string& target, const std::string& fields,
                      const std::string& body = {}) {
        return HttpClient{instance_->port()}.request(method, target, body, fields + json_fields(body));
    }
    /// Two requests at once, one to each instance; their statuses in order.
    std::array<unsigned, 2> race(const std::string& method, const std::string& target, const std::string& fields,
                                 const std::array<std::string, 2>& bodies) {
        std::array<HttpClient, 2> clients{HttpClient{instance_->port()}, HttpClient{other_->port()}};
        for (std::size_t i = 0; i < clients.size(); ++i) {
            std::string request = method;
            request.append(" ").append(target).append(" HTTP/1.1\r\nHost: x\r\n").append(fields);
            request.append(json_fields(bodies[i])).append("Content-Length: ").append(std::to_string(bodies[i].size()));
            clients[i].send(request.append("\r\n\r\n").append(bodies[i]));
        }
        std::array<unsigned, 2> statuses{clients[0].receive().value().status, clients[1].receive().value().status};
        std::sort(statuses.begin(), statuses.end());
        return statuses;
    }
    std::string column(const std::string& query) { return sql(query).at(0).at(0).value_or("null"); }
    bool somebody_waits_for_a_lock() {
        return eventually([&] {
            return column("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%item%'") ==
                   "1";
        });
    }

    TemporaryDirectory directory_;
    std::unique_ptr<Instance> instance_;
    std::unique_ptr<Instance> other_;
};

}  // namespace

TEST_F(PreconditionsTest, EveryReadOfRowsHasAStrongEtagCachedOrNot) {
    for (const auto* target : {"/items/1", "/cached/1", "/pages", "/large/100", "/large-cached/100"}) {
        const auto first = get(target);
        ASSERT_EQ(first.status, 200u) << target << first.body;
        EXPECT_TRUE(etag(first).starts_with('"')) << target;
        EXPECT_EQ(etag(get(target)), etag(first));
        EXPECT_EQ(etag(http_get(other_->port(), target)), etag(first)) << "whichever instance is asked";
        const auto told = head(target);
        EXPECT_EQ(told.status, 200u);
        for (const auto* name : {"ETag", "Content-Length", "Content-Type", "Vary", "Cache-Control", "Link"}) {
            EXPECT_EQ(told.header(name), first.header(name)) << target << ' ' << name;
        }
        for (const auto& condition : {if_none_match(etag(first)), if_none_match("W/" + etag(first)), if_none_match("*"),
                                      if_none_match("\"x\"") + if_none_match(etag(first))}) {
            for (const auto& unchanged : {get(target, condition), head(target, condition)}) {
                EXPECT_EQ(unchanged.status, 304u) << target;
                EXPECT_EQ(unchanged.body, "");
                EXPECT_FALSE(unchanged.header("Content-Type"));
                for (const auto* name : {"ETag", "Vary", "Cache-Control"}) {
                    EXPECT_EQ(unchanged.header(name), first.header(name)) << target << ' ' << name;
                }
                EXPECT_TRUE(unchanged.header("Date"));
            }
        }
        EXPECT_EQ(get(target, if_none_match("\"x\"")).status, 200u);
        EXPECT_EQ(get(target, if_match(etag(first))).status, 200u);
        EXPECT_EQ(get(target, if_match("*")).status, 200u);
        const auto failed = get(target, if_match("\"x\""));
        EXPECT_EQ(failed.status, 412u) << target;
        EXPECT_EQ(failed.header("Content-Type"), "application/problem+json");
        EXPECT_EQ(get(target, if_match("\"x\"") + if_none_match(etag(first))).status, 412u) << "in their order";
    }
    EXPECT_EQ(etag(get("/large/100")), etag(get("/large-cached/100"))) << "the same bytes";
    EXPECT_EQ(get("/items/77", if_match("*")).status, 404u) << "no condition counts where there is no success";
    EXPECT_EQ(get("/items/1", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n").status, 200u);
    EXPECT_FALSE(get("/items/1").header("Accept-Ranges"));
}

TEST_F(PreconditionsTest, ACodingHasAnEtagOfItsOwnAlsoUncached) {
    const std::string coded = "Accept-Encoding: br\r\n";
    for (const auto* target : {"/large/100", "/large-cached/100"}) {
        const auto plain = get(target);
        const auto brotli = get(target, coded);
        EXPECT_EQ(brotli.header("Content-Encoding"), "br");
        EXPECT_NE(etag(brotli), etag(plain));
        const auto unchanged = get(target, coded + if_none_match(etag(brotli)));
        EXPECT_EQ(unchanged.status, 304u);
        EXPECT_EQ(etag(unchanged), etag(brotli));
        EXPECT_EQ(unchanged.header("Vary"), brotli.header("Vary"));
        EXPECT_EQ(get(target, if_none_match(etag(brotli))).status, 200u) << "that is not what would be sent";
        EXPECT_EQ(get(target, if_match(etag(brotli))).status, 200u) << "the same state, though";
        EXPECT_EQ(etag(head(target, coded)), etag(brotli));
    }
    EXPECT_EQ(etag(get("/large/200000")), etag(get("/large-cached/200000"))) << "of much, which is hashed by turns";
}

TEST_F(PreconditionsTest, OfTwoWritersWithOneEtagExactlyOneWins) {
    for (int round = 0; round < 100; ++round) {
        const std::string target = round % 2 == 1 ? "/cached/1" : "/items/1";
        HttpResponse seen;
        // A copy may be as old as the cache's bound, and its ETag then loses to the round before.
        ASSERT_TRUE(eventually([&] {
            seen = get(target);
            return etag(seen) == etag(get("/items/1"));
        }));
        const auto number = std::to_string(round);
        const auto statuses =
            race("PATCH", target, if_match(etag(seen)), {named("first " + number), named("second " + number)});
        EXPECT_THAT(statuses, ::testing::ElementsAre(200u, 412u)) << target << ", round " << round;
    }
    EXPECT_EQ(column("select changes from item where id = 1"), "100");
}

TEST_F(PreconditionsTest, OfTwoCreatorsExactlyOneWins) {
    for (int round = 0; round < 100; ++round) {
        const auto id = std::to_string(1000 + round);
        const auto target = (round % 2 == 0 ? "/items/" : "/new/") + id;  // an upsert, and an insert that may conflict
        const auto statuses = race("PUT", target, if_none_match("*"), {named("first"), named("second")});
        EXPECT_EQ(statuses[0], round % 2 == 0 ? 200u : 201u) << target;
        EXPECT_EQ(statuses[1], 412u) << target;
        EXPECT_EQ(column("select changes from item where id = " + id), "0");
    }
}

TEST_F(PreconditionsTest, AWriteOfSomebodyWithoutAConditionIsSeen) {
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + std::chrono::seconds{60};
    postgres::Connection holder{primary, watchdog, limit};
    const auto start = [&](HttpClient& client, const std::string& line, const std::string& fields) {
        const auto body = named("ours");
        client.send(line + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + fields +
                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    };
    HttpClient client{instance_->port()};

    holder.execute("begin; update item set name = 'theirs' where id = 1", limit);
    start(client, "PATCH /items/1", if_match(etag(get("/items/1"))));
    ASSERT_TRUE(somebody_waits_for_a_lock());
    holder.execute("commit", limit);
    EXPECT_EQ(client.receive().value().status, 412u);
    EXPECT_EQ(column("select name from item where id = 1"), "theirs");

    holder.execute("begin; insert into item (id, name) values (50, 'theirs')", limit);
    start(client, "PUT /new/50", if_none_match("*"));
    ASSERT_TRUE(somebody_waits_for_a_lock());
    holder.execute("commit", limit);
    EXPECT_EQ(client.receive().value().status, 412u) << "no conflict: it is there by now";
    EXPECT_EQ(column("select name from item where id = 50"), "theirs");

    holder.execute("begin; delete from item where id = 2", limit);
    start(client, "PATCH /items/2", if_match("*"));
    ASSERT_TRUE(somebody_waits_for_a_lock());
    holder.execute("rollback", limit);
    EXPECT_EQ(client.receive().value().status, 200u) << "nothing came of theirs";
}

TEST_F(PreconditionsTest, AreJudgedByTextsPreparedAnewWhenATableIsAltered) {
    for (int round = 0; round < 8; ++round) {  // each connection has prepared both texts
        EXPECT_EQ(send("PATCH", "/versions/1", if_match("*"), named("x")).status, 200u);
    }
    sql("alter table item alter column version type numeric");
    for (int round = 0; round < 8; ++round) {
        EXPECT_EQ(send("PATCH", "/versions/1", if_match(etag(get("/versions/1"))), named("x")).status, 200u) << round;
    }
}

TEST_F(PreconditionsTest, AreNeverJudgedByACachedCopy) {
    const auto old = etag(get("/cached/1"));
    sql("update item set name = 'changed behind the cache' where id = 1");
    ASSERT_EQ(etag(get("/cached/1")), old) << "nothing told the cache";
    EXPECT_EQ(send("PATCH", "/cached/1", if_match(old), named("x")).status, 412u);
    const auto current = etag(get("/items/1"));
    EXPECT_EQ(send("PATCH", "/cached/1", if_match(current), named("x")).status, 200u) << "the same bytes";
    EXPECT_EQ(column("select name from item where id = 1"), "x");
}

TEST_F(PreconditionsTest, EachMethodThatWritesIsJudged) {
    const auto seen = etag(get("/items/1"));
    const auto changed = send("PUT", "/items/1", if_match(seen), named("uno"));
    EXPECT_EQ(changed.status, 200u) << changed.body;
    EXPECT_FALSE(changed.header("ETag")) << "what it answers is not what a GET answers";

    const auto stale = send("DELETE", "/items/1", if_match(seen));
    EXPECT_EQ(stale.status, 412u);
    const auto problem = nlohmann::json::parse(stale.body);
    EXPECT_EQ(problem.at("title"), "Precondition Failed");
    EXPECT_EQ(problem.at("status"), 412);
    EXPECT_EQ(stale.header("Content-Type"), "application/problem+json");
    EXPECT_EQ(send("DELETE", "/items/1", if_match("W/" + etag(get("/items/1")))).status, 412u) << "weak is not enough";
    EXPECT_EQ(send("DELETE", "/items/1", if_none_match(etag(get("/items/1")))).status, 412u);
    EXPECT_EQ(send("DELETE", "/items/1", if_match("\"x\"") + if_match(etag(get("/items/1")))).status, 204u);
    EXPECT_EQ(send("DELETE", "/items/1", if_match("*")).status, 412u) << "it is gone";
    EXPECT_EQ(send("PATCH", "/items/1", if_match(seen), named("x")).status, 412u);

    EXPECT_EQ(send("PUT", "/items/9", if_match("*"), named("x")).status, 412u);
    EXPECT_EQ(send("PUT", "/items/9", if_none_match("*"), named("x")).status, 200u);
    EXPECT_EQ(send("PUT", "/items/9", if_none_match("*"), named("y")).status, 412u);
    EXPECT_EQ(send("PUT", "/items/9", "If-Unmodified-Since: Sat, 29 Oct 1994 19:43:31 GMT\r\n", named("z")).status, 200u)
        << "no resource has a date";

    const auto page = get("/pages");
    EXPECT_EQ(send("DELETE", "/pages", if_match("\"x\"")).status, 412u);
    EXPECT_EQ(send("DELETE", "/pages", if_match(etag(page))).status, 204u) << "the first page shows the collection";
}

TEST_F(PreconditionsTest, AnEtagOfACodedAnswerServesAsWell) {
    sql("update item set name = repeat('long ', 1000) where id in (1, 2)");
    const std::string coded = "Accept-Encoding: br\r\n";
    for (const std::string target : {"/items/1", "/cached/2"}) {
        const auto seen = get(target, coded);
        ASSERT_EQ(seen.header("Content-Encoding"), "br");
        EXPECT_EQ(send("PATCH", target, coded + if_match(etag(seen)), named("x")).status, 200u) << target;
        EXPECT_EQ(send("PATCH", target, coded + if_match(etag(seen)), named("y")).status, 412u) << target;
    }
}

TEST_F(PreconditionsTest, AVersionStandsForTheRow) {
    const auto first = get("/versions/1");
    EXPECT_EQ(etag(get("/versions/1")), etag(first)) << "whatever else the answer says";
    EXPECT_EQ(get("/versions/1", if_none_match(etag(first))).status, 304u);
    EXPECT_NE(etag(get("/versions/2")), "");
    EXPECT_EQ(send("PATCH", "/versions/1", if_match(etag(first)), named("x")).status, 200u);
    EXPECT_NE(etag(get("/versions/1")), etag(first));
    EXPECT_EQ(send("PATCH", "/versions/1", if_match(etag(first)), named("y")).status, 412u);
    for (int round = 0; round < 20; ++round) {
        EXPECT_THAT(race("PATCH", "/versions/1", if_match(etag(get("/versions/1"))), {named("a"), named("b")}),
                    ::testing::ElementsAre(200u, 412u));
    }
    sql("update item set version = null where id = 1");
    EXPECT_FALSE(get("/versions/1").header("ETag"));
    EXPECT_EQ(send("PATCH", "/versions/1", if_match(etag(first)), named("y")).status, 412u);
    EXPECT_EQ(send("PATCH", "/versions/1", if_match("*"), named("y")).status, 200u);
}

TEST_F(PreconditionsTest, WithoutAValidatorOnlyExistenceCanBeAskedFor) {
    const auto plain = get("/off/1", if_none_match("*"));
    EXPECT_EQ(plain.status, 200u);
    EXPECT_FALSE(plain.header("ETag"));
    EXPECT_EQ(send("DELETE", "/off/1", if_match("\"x\"")).status, 412u);
    EXPECT_EQ(send("DELETE", "/off/1", if_none_match("*")).status, 412u);
    EXPECT_EQ(send("DELETE", "/off/1", if_match("*")).status, 204u);

    // Where no GET shows anything there is no current representation.
    EXPECT_EQ(send("POST", "/actions", if_match("*")).status, 412u);
    EXPECT_EQ(send("POST", "/actions", if_match("\"x\"")).status, 412u);
    EXPECT_EQ(send("POST", "/actions", if_none_match("*")).status, 200u);
    EXPECT_EQ(send("POST", "/actions", "").status, 200u);
}

TEST_F(PreconditionsTest, TheRouteMayRequireOne) {
    const auto without = send("PATCH", "/items/1", "", named("x"));
    EXPECT_EQ(without.status, 428u);
    EXPECT_EQ(nlohmann::json::parse(without.body).at("title"), "Precondition Required");
    EXPECT_THAT(without.body, HasSubstr("If-Match"));
    EXPECT_EQ(send("PATCH", "/items/1", "If-Unmodified-Since: Sat, 29 Oct 1994 19:43:31 GMT\r\n", named("x")).status, 428u);
    for (const auto* bad : {"abc", "", "\"a\", *"}) {
        const auto refused = send("PATCH", "/items/1", if_match(bad), named("x"));
        EXPECT_EQ(refused.status, 400u) << bad;
        EXPECT_EQ(nlohmann::json::parse(refused.body).at("errors").at(0).at("name"), "If-Match");
    }
    EXPECT_EQ(send("PATCH", "/items/1", if_match("*"), named("x")).status, 200u);
    EXPECT_EQ(send("PATCH", "/items/x", "", named("x")).status, 400u) << "what is wrong anyhow is said first";
}

TEST_F(PreconditionsTest, AnotherCallersAnswerIsNotOurs) {
    const auto ours = create_key("pro", {"read", "write"}).header();
    const auto theirs = create_key("pro", {"read", "write"}).header();
    const auto writer = create_key("pro", {"write"}).header();
    const auto seen = etag(get("/mine/1?lang=de", ours));
    EXPECT_NE(etag(get("/mine/1?lang=de", theirs)), seen);
    EXPECT_EQ(send("PATCH", "/mine/1?lang=de", theirs + if_match(seen)).status, 412u);
    EXPECT_EQ(send("PATCH", "/mine/1?lang=en", ours + if_match(seen)).status, 412u) << "it is of another resource";
    EXPECT_EQ(send("PATCH", "/mine/1?lang=de&note=changed", ours + if_match(seen)).status, 200u);
    EXPECT_EQ(send("PATCH", "/mine/1?lang=de&note=again", ours + if_match(seen)).status, 412u);

    const auto refused = send("PATCH", "/mine/1", ours + if_match(seen));
    EXPECT_EQ(refused.status, 400u);
    EXPECT_THAT(refused.body, HasSubstr(R"({"in":"query","name":"lang","message":"is required"})"));

    // Who may not read it must not find out by guessing what it holds.
    EXPECT_EQ(send("PATCH", "/mine/1?lang=de", writer + if_match(seen)).status, 403u);
    EXPECT_EQ(send("PATCH", "/mine/1?lang=de", writer + if_match("*")).status, 200u);
}

TEST_F(PreconditionsTest, AKeptAnswerComesFirst) {
    const auto seen = etag(get("/items/1"));
    const auto condition = if_match(seen) + "Idempotency-Key: k1\r\n";
    const auto first = send("PATCH", "/items/1", condition, named("x"));
    ASSERT_EQ(first.status, 200u);
    const auto again = send("PATCH", "/items/1", condition, named("x"));
    EXPECT_EQ(again.status, 200u) << "it holds no more, but the write is done";
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(again.header("Idempotency-Replayed"), "true");

    const std::string other = "Idempotency-Key: k2\r\n";
    EXPECT_EQ(send("PATCH", "/items/1", if_match(seen) + other, named("y")).status, 412u);
    const auto repeated = send("PATCH", "/items/1", if_match(etag(get("/items/1"))) + other, named("y"));
    EXPECT_EQ(repeated.status, 200u) << "a refusal is not kept";
    EXPECT_FALSE(repeated.header("Idempotency-Replayed"));
    EXPECT_EQ(column("select changes from item where id = 1"), "2");
}

TEST_F(PreconditionsTest, WhoeverIsRefusedCanReadWhy) {
    const auto old = etag(get("/cached/1"));
    sql("update item set name = 'changed behind the cache' where id = 1");
    const auto refused = send("PATCH", "/cached/1", if_match(old), named("x"));
    ASSERT_EQ(refused.status, 412u);
    const auto token = refused.header("Sluice-Consistency").value_or("");
    ASSERT_NE(token, "");
    ASSERT_EQ(etag(get("/cached/1")), old);
    const auto current = get("/cached/1", "Sluice-Consistency: " + token + "\r\n");
    EXPECT_NE(etag(current), old);
    EXPECT_EQ(send("PATCH", "/cached/1", if_match(etag(current)), named("x")).status, 200u);
    EXPECT_EQ(column("select count(*) from sluice.invalidation where name = 'item:1'"), "1") << "none for what was refused";
}

TEST_F(PreconditionsTest, ACachedAnswerHasTheStatusThatItHasUncached) {
    for (const std::string status : {"203", "204", "205", "none"}) {
        const auto uncached = get("/status/" + status);
        EXPECT_EQ(uncached.status, status == "none" ? 204u : static_cast<unsigned>(std::stoul(status)));
        for (int time = 0; time < 2; ++time) {
            for (const auto& cached : {get("/cached-status/" + status), head("/cached-status/" + status)}) {
                EXPECT_EQ(cached.status, uncached.status) << status << ", time " << time;
                for (const auto* name : {"ETag", "Content-Type", "Content-Length", "Content-Encoding"}) {
                    EXPECT_EQ(cached.header(name), uncached.header(name)) << status << ' ' << name;
                }
            }
            EXPECT_EQ(get("/cached-status/" + status).body, uncached.body);
        }
        EXPECT_EQ(uncached.body.empty(), status != "203");
        EXPECT_EQ(uncached.header("ETag").has_value(), status != "none");
    }
}

TEST_F(PreconditionsTest, EachAnswerThatThereIsNothingSaysWhereItIsFrom) {
    EXPECT_EQ(get("/cached/77").header("Cache-Status"), "sluice; fwd=miss");
    EXPECT_THAT(get("/cached/77").header("Cache-Status").value_or(""), HasSubstr("detail=l1"));
}

}  // namespace sluice::test
