// The request field Idempotency-Key over HTTP: what a client may rely on, whichever instance it asks.
#include "postgres/schema/schema.hpp"
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

constexpr auto config = R"(
server: { listen: "${SLUICE_LISTEN}", admin: "${SLUICE_ADMIN}" }
tiers: { anonymous: { requests: 100000, window: 60s } }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
auth: { key_secrets: ["${SLUICE_KEY_SECRET}"] }
routes:
  POST /shops/{shop}/orders:
    params: { shop: integer, gift: boolean }
    body: { type: object, required: [item], properties: { item: { type: string } } }
    status: 201
    result: one
    sql: insert into shop_order (shop, item, gift) values (:shop, :item, :gift) returning *, clock_timestamp() as made
  PATCH /orders/{id}:
    params: { id: integer }
    idempotency: required
    result: one
    sql: update shop_order set revision = revision + 1 where id = :id returning id, revision
  DELETE /orders/{id}:
    params: { id: integer }
    result: none
    sql: delete from shop_order where id = :id
  PUT /orders/{id}:
    params: { id: integer }
    idempotency: off
    result: one
    sql: update shop_order set revision = revision + 1 where id = :id returning revision
  GET /orders/{id}:
    params: { id: integer }
    on: primary
    result: one
    sql: select id, revision from shop_order where id = :id
)";

class IdempotencyTest : public PostgresTest {
protected:
    void SetUp() override {
        world_environment();  // before there is a schema of the role's name, in which the example would land
        PostgresTest::SetUp();
        sql("drop table if exists public.shop_order, public.shop; create table public.shop (id int primary key); insert "
            "into public.shop values (1), "
            "(2);"
            " create table public.shop_order (id int generated always as identity primary key, shop int references "
            "public.shop,"
            " item text, gift boolean, revision int not null default 1)");
        const auto file = directory_.write("c.yaml", config);
        instance_ = std::make_unique<Instance>(file, world_environment());
        other_ = std::make_unique<Instance>(file, world_environment());
    }
    void TearDown() override {
        other_.reset();
        instance_.reset();
        sql("drop table if exists public.shop_order, public.shop");
    }

    static std::string with_key(const std::string& key) { return "Idempotency-Key: " + key + "\r\n"; }
    static HttpResponse send(const Instance& instance, const std::string& method, const std::string& target,
                             const std::string& headers, const std::string& body = {}) {
        return HttpClient{instance.port()}.request(method, target, body,
                                                   headers + (body.empty() ? "" : "Content-Type: application/json\r\n"));
    }
    HttpResponse order(const std::string& headers, const std::string& body = R"({"item":"tea"})",
                       const std::string& target = "/shops/1/orders") {
        return send(*instance_, "POST", target, headers, body);
    }
    HttpResponse order_elsewhere(const std::string& headers) {
        return send(*other_, "POST", "/shops/1/orders", headers, R"({"item":"tea"})");
    }
    static bool is_replayed(const HttpResponse& response) { return response.header("Idempotency-Replayed") == "true"; }
    std::string orders() { return sql("select count(*) from shop_order").at(0).at(0).value(); }
    std::string kept() { return sql("select count(*) from sluice.idempotency").at(0).at(0).value(); }

    TemporaryDirectory directory_;
    std::unique_ptr<Instance> instance_;
    std::unique_ptr<Instance> other_;
};

}  // namespace

TEST_F(IdempotencyTest, TheSameRequestIsAnsweredAgainAndNotDoneAgain) {
    const auto first = order(with_key("k1"));
    ASSERT_EQ(first.status, 201u) << first.body;
    EXPECT_FALSE(first.header("Idempotency-Replayed"));
    for (const auto& again : {order(with_key("k1")), order_elsewhere(with_key("\"k1\""))}) {
        EXPECT_EQ(again.status, 201u);
        EXPECT_EQ(again.body, first.body) << "the same bytes, the moment of its making among them";
        EXPECT_EQ(again.header("Content-Type"), first.header("Content-Type"));
        EXPECT_EQ(again.header("Cache-Control"), first.header("Cache-Control"));
        EXPECT_TRUE(is_replayed(again));
    }
    EXPECT_EQ(orders(), "1");
    EXPECT_EQ(order(with_key("k2")).status, 201u);
    EXPECT_EQ(order("").status, 201u);
    EXPECT_EQ(order("").status, 201u);
    EXPECT_EQ(orders(), "4") << "another key, and none at all";
    EXPECT_EQ(kept(), "2");
}

TEST_F(IdempotencyTest, AnAnswerWithoutABodyAndA404AreKeptToo) {
    ASSERT_EQ(order("").status, 201u);
    const auto id = sql("select id::text from shop_order").at(0).at(0).value();
    const auto gone = send(*instance_, "DELETE", "/orders/" + id, with_key("k1"));
    EXPECT_EQ(gone.status, 204u);
    const auto again = send(*other_, "DELETE", "/orders/" + id, with_key("k1"));
    EXPECT_EQ(again.status, 204u);
    EXPECT_EQ(again.body, "");
    EXPECT_TRUE(is_replayed(again));

    const auto missing = send(*instance_, "PATCH", "/orders/77", with_key("k2"));
    EXPECT_EQ(missing.status, 404u);
    EXPECT_FALSE(is_replayed(missing));
    sql("insert into shop_order (id, shop) overriding system value values (77, 1)");
    const auto still = send(*instance_, "PATCH", "/orders/77", with_key("k2"));
    EXPECT_EQ(still.status, 404u) << "that was the answer";
    EXPECT_TRUE(is_replayed(still));
    EXPECT_EQ(nlohmann::json::parse(still.body).at("request_id"), still.header("X-Request-Id"));
    EXPECT_EQ(send(*instance_, "PATCH", "/orders/77", with_key("k3")).status, 200u);
}

TEST_F(IdempotencyTest, TheSameKeyForSomethingElseIsRefused) {
    ASSERT_EQ(order(with_key("k1"), R"({"item":"tea"})", "/shops/1/orders?gift=true").status, 201u);
    EXPECT_EQ(order(with_key("k1"), R"({"item":"tea"})", "/shops/1/orders?gift=%74rue").status, 201u) << "the same query";
    EXPECT_EQ(order(with_key("k1"), R"({"item":"milk"})", "/shops/1/orders?gift=true").status, 422u);
    EXPECT_EQ(order(with_key("k1"), R"({"item":"tea"})", "/shops/2/orders?gift=true").status, 422u);
    const auto refused = order(with_key("k1"));
    EXPECT_EQ(refused.status, 422u);
    EXPECT_THAT(refused.body, HasSubstr("Idempotency-Key"));
    EXPECT_FALSE(is_replayed(refused));
    EXPECT_EQ(orders(), "1");
    const auto id = sql("select id::text from shop_order").at(0).at(0).value();
    EXPECT_EQ(send(*instance_, "PATCH", "/orders/" + id, with_key("k1")).status, 200u) << "on another route it is another";
}

TEST_F(IdempotencyTest, WhileTheFirstIsInFlightOthersAreToldToWait) {
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + std::chrono::seconds{60};
    postgres::Connection holder{primary, watchdog, limit};
    holder.execute("begin; select from shop where id = 1 for update", limit);

    HttpClient client{instance_->port()};
    const std::string body = R"({"item":"tea"})";
    client.send("POST /shops/1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n" + with_key("k1") + "\r\n" + body);
    ASSERT_TRUE(eventually([&] {
        return sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%shop_order%'")
                   .at(0)
                   .at(0) == "1";
    }));
    for (const auto& early : {order(with_key("k1")), order_elsewhere(with_key("k1"))}) {
        EXPECT_EQ(early.status, 409u) << early.body;
        EXPECT_EQ(early.header("Retry-After"), "1");
        EXPECT_THAT(early.body, HasSubstr("in flight"));
    }
    holder.execute("rollback", limit);
    const auto first = client.receive();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->status, 201u) << first->body;
    const auto again = order_elsewhere(with_key("k1"));
    EXPECT_EQ(again.body, first->body);
    EXPECT_TRUE(is_replayed(again));
    EXPECT_EQ(orders(), "1");
}

TEST_F(IdempotencyTest, ARefusedWriteKeepsNothingSoThatItMayBeTriedAgain) {
    const std::string target = "/shops/3/orders";
    EXPECT_EQ(order(with_key("k1"), R"({"item":"tea"})", target).status, 422u) << "there is no such shop";
    EXPECT_EQ(kept(), "0");
    EXPECT_EQ(order(with_key("k1"), R"({"itme":"tea"})", target).status, 422u) << "nor is that an order";
    sql("insert into shop values (3)");
    const auto made = order(with_key("k1"), R"({"item":"tea"})", target);
    EXPECT_EQ(made.status, 201u) << made.body;
    EXPECT_FALSE(is_replayed(made));
}

TEST_F(IdempotencyTest, TheRouteMayRequireTheKeyOrIgnoreIt) {
    ASSERT_EQ(order("").status, 201u);
    const auto target = "/orders/" + sql("select id::text from shop_order").at(0).at(0).value();
    const auto missing = send(*instance_, "PATCH", target, "");
    EXPECT_EQ(missing.status, 400u);
    const auto errors = nlohmann::json::parse(missing.body).at("errors");
    EXPECT_EQ(errors, nlohmann::json::parse(R"([{"in":"header","name":"Idempotency-Key","message":"is required"}])"));
    EXPECT_EQ(send(*instance_, "PATCH", target, with_key("a b")).status, 400u);
    EXPECT_EQ(send(*instance_, "PATCH", target, with_key("a") + with_key("a")).status, 400u);
    EXPECT_EQ(send(*instance_, "PUT", target, with_key("k1")).body, R"({"data":{"revision":2}})");
    EXPECT_EQ(send(*instance_, "PUT", target, with_key("k1")).body, R"({"data":{"revision":3}})");
    EXPECT_EQ(send(*instance_, "GET", target, with_key("not a key")).status, 200u) << "a read happens as often as it likes";
    EXPECT_EQ(kept(), "0");
}

TEST_F(IdempotencyTest, CallersDoNotSeeEachOthersKeys) {
    const auto ours = create_key("pro");
    const auto theirs = create_key("pro");
    const auto first = order(ours.header() + with_key("k1"));
    ASSERT_EQ(first.status, 201u) << first.body;
    for (const auto& headers : {theirs.header(), std::string{}}) {
        const auto other = order(headers + with_key("k1"), R"({"item":"milk"})");
        EXPECT_EQ(other.status, 201u) << "neither refused for another's order nor answered with it";
        EXPECT_FALSE(is_replayed(other));
    }
    EXPECT_EQ(order(ours.header() + with_key("k1")).body, first.body);
    EXPECT_EQ(orders(), "3");
}

TEST_F(IdempotencyTest, WithoutTheSchemaAKeyedWriteIsRefusedAndOthersGoOn) {
    ASSERT_EQ(order(with_key("k0")).status, 201u) << "the statements are prepared";
    sql("drop schema sluice cascade");
    for (const auto* instance : {instance_.get(), other_.get()}) {
        const auto refused = send(*instance, "POST", "/shops/1/orders", with_key("k1"), R"({"item":"tea"})");
        EXPECT_EQ(refused.status, 503u);
        EXPECT_TRUE(refused.header("Retry-After"));
        EXPECT_THAT(refused.body, HasSubstr("cannot be kept at the moment"));
        EXPECT_TRUE(eventually([&] { return instance->log().find("run `sluice migrate`") != std::string::npos; }));
    }
    EXPECT_EQ(orders(), "1") << "nothing was done unprotected";
    EXPECT_EQ(order("").status, 201u);
    postgres::migrate(primary);
    EXPECT_EQ(order(with_key("k1")).status, 201u);
    EXPECT_TRUE(is_replayed(order_elsewhere(with_key("k1"))));
}

TEST_F(IdempotencyTest, AnAnswerIsGivenAgainForADay) {
    const auto first = order(with_key("k1"));
    ASSERT_EQ(first.status, 201u);
    sql("update sluice.idempotency set created_at = now() - interval '23 hours 59 minutes'");
    EXPECT_TRUE(is_replayed(order(with_key("k1"))));
    sql("update sluice.idempotency set created_at = now() - interval '24 hours'");
    const auto second = order(with_key("k1"), R"({"item":"milk"})");
    EXPECT_EQ(second.status, 201u) << "the key is free for something else";
    EXPECT_FALSE(is_replayed(second));
    EXPECT_EQ(order(with_key("k1"), R"({"item":"milk"})").body, second.body);
    EXPECT_EQ(order(with_key("k1")).status, 422u);
    EXPECT_EQ(kept(), "1");
}

}  // namespace sluice::test
