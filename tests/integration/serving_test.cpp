// Configurations that take each other's place under load, on real servers.
#include "config/load.hpp"
#include "support/postgres_fixture.hpp"
#include "support/process.hpp"
#include "support/swap_server.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", threads: 2, headers: { X-Mark: "MARK" } }
log: { access: off }
postgres: { primary: "${SLUICE_PG_PRIMARY}", replicas: [ { url: "${SLUICE_PG_REPLICA_1}" } ] }
redis: { url: "${SLUICE_REDIS}" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
tiers: { anonymous: { requests: 100000000, window: 60s } }
routes:
  GET /cached/{id}:
    params: { id: integer }
    result: one
    sql: select 'MARK'::text as mark, id, n from swapped where id = :id
    cache: { ttl: 1h, tags: ["swapped:{id}"] }
  GET /refreshed:
    result: one
    sql: select 'MARK'::text as mark
    cache: { ttl: 1ms, revalidate: 1h }
  GET /uncached/{id}:
    params: { id: integer }
    result: one
    sql: select 'MARK'::text as mark, id, n from swapped where id = :id
  GET /collapsed/{id}:
    params: { id: integer }
    result: one
    collapse: true
    sql: select 'MARK'::text as mark, id, n from swapped where id = :id
  POST /cached/{id}:
    params: { id: integer }
    body: { type: object, properties: { by: { type: integer } }, required: [by] }
    result: one
    sql: update swapped set n = n + :by where id = :id returning 'MARK'::text as mark, id
    invalidates: ["swapped:{id}"]
  GET /prepared:
    result: one
    sql: select 'MARK'::text as mark, count(*)::int as texts, max(pg_backend_pid()) as process from pg_prepared_statements
)";

const std::vector<SwapLoad::Question> questions{
    {"GET", "/cached/1"},   {"GET", "/refreshed"},   {"GET", "/uncached/2"}, {"GET", "/collapsed/3"},
    {"GET", "/cached/1"},   {"GET", "/collapsed/4"}, {"GET", "/cached/5"},   {"POST", "/cached/1", R"({"by":1})"},
    {"GET", "/uncached/1"},
};

class ServingTest : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        world_environment();
        sql("drop table if exists swapped; create table swapped (id int primary key, n int not null default 0);"
            " insert into swapped (id) select generate_series(1, 9)");
        wait_for_replica();
    }
    static Settings settings(const std::string& mark) {
        auto text = config;
        for (auto at = text.find("MARK"); at != text.npos; at = text.find("MARK", at)) text.replace(at, 4, mark);
        const TemporaryDirectory directory;
        const auto variable = [](const std::string& name) -> std::optional<std::string> {
            const auto found = world_environment().find(name);
            return found == world_environment().end() ? std::nullopt : std::optional{found->second};
        };
        return config::load(directory.write("api.yaml", text), variable);
    }

    /// Asks often enough to see every connection: how many texts the one with the most has.
    static int most_prepared(std::uint16_t port) {
        HttpClient client{port};
        int most = 0;
        for (int i = 0; i < 100; ++i) {
            const auto body = client.request("GET", "/prepared").body;
            most = std::max(most, std::stoi(body.substr(body.find("\"texts\":") + 8)));
        }
        return most;
    }
};

/// Each route's statement, its forms for pages, tags and collapsed calls, and what the pool asks by itself.
constexpr int most_texts_of_one = 40;

}  // namespace

TEST_F(ServingTest, AThousandSwapsOfTwoConfigurationsUnderLoad) {
    const auto a = settings("a");
    const auto b = settings("b");
    SwapServer server{a, a};
    SwapLoad load{server.port(), questions, 4};
    HttpClient client{server.port()};
    for (std::size_t i = 0; i < 1'000; ++i) {
        server.swap(i % 2 == 0 ? b : a);
        SwapLoad::ask(client, questions[i % questions.size()]);
        ASSERT_FALSE(HasFatalFailure());
    }
    EXPECT_TRUE(eventually([&] { return load.answers() >= 5'000; }));
    load.stop();
    ASSERT_FALSE(HasFatalFailure());
    std::cout << load.answers() << " answers meanwhile\n";
    EXPECT_TRUE(eventually([&] { return server.alive() == 1; })) << server.alive() << " are left";
    EXPECT_LE(most_prepared(server.port()), most_texts_of_one);
}

TEST_F(ServingTest, AThousandDifferentConfigurationsLeaveNothing) {
    const auto first = settings("m");
    SwapServer server{first, first};
    SwapLoad load{server.port(), questions, 2};
    HttpClient client{server.port()};
    int most = 0;
    for (std::size_t i = 0; i < 1'000; ++i) {
        server.swap(settings("m" + std::to_string(i)));
        SwapLoad::ask(client, questions[i % questions.size()]);
        if (i % 250 == 249) most = std::max(most, most_prepared(server.port()));
        ASSERT_FALSE(HasFatalFailure());
    }
    load.stop();
    ASSERT_FALSE(HasFatalFailure());
    std::cout << load.answers() << " answers meanwhile, " << most << " texts on a connection at most\n";
    EXPECT_TRUE(eventually([&] { return server.alive() == 1; })) << server.alive() << " are left";
    EXPECT_LE(most, most_texts_of_one);
}

}  // namespace sluice::test
