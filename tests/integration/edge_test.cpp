// The edge as a stranger meets it: requests that are refused without end, bodies that nobody asked for, half-closed
// connections, too few descriptors.
#include "support/http_client.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <vector>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", admin_token: "let me in", trusted_proxies: [127.0.0.2/32] }
log: { level: debug }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
tiers: { anonymous: { requests: 20, window: 60s }, free: { requests: 20, window: 60s } }
routes:
  GET /closed:
    auth: required
    sql: select 1 as one
  GET /scoped:
    scopes: [ "some:scope" ]
    sql: select 1 as one
  GET /open:
    sql: select 1 as one
  GET /slow:
    sql: select 1 as one from pg_sleep(0.7)
  GET /cached/{n}:
    params: { n: integer }
    result: one
    sql: select :n::int as n where :n > 0
    cache: { ttl: 300s, max_age: 3s, negative: 60s, tags: ["n:{n}"] }
  POST /ids:
    sql: insert into edge_test_run default values returning id
  DELETE /ids:
    sql: delete from edge_test_run where id < 0 returning id
)";

class Edge : public ::testing::Test {
protected:
    static bool make_table() {
        const auto made = run_command({"psql", "-qc", "create table if not exists edge_test_run (id serial primary key)",
                                       world_environment().at("SLUICE_PG_PRIMARY")});
        EXPECT_EQ(made.exit_code, 0) << made.err;
        return made.exit_code == 0;
    }
    HttpResponse raw(std::uint16_t port, const std::string& bytes) {
        HttpClient client{port};
        client.send(bytes);
        client.finish_sending();
        return client.receive().value();
    }
    std::vector<unsigned> statuses(int count, const std::string& bytes) {
        std::vector<unsigned> all;
        for (int i = 0; i < count; ++i) all.push_back(raw(instance_.port(), bytes).status);
        return all;
    }

    const bool table_made_ = make_table();
    TemporaryDirectory directory_;
    Instance instance_{directory_.write("api.yaml", config), world_environment()};
};

std::vector<unsigned> so_many(std::size_t count, unsigned status, std::size_t of = 30) {
    std::vector<unsigned> all(count, status);
    all.resize(of, 429);
    return all;
}

}  // namespace

TEST_F(Edge, NoRefusalCanBeHadWithoutEnd) {
    // One window for all: who is refused in one way is so in the others.
    EXPECT_EQ(statuses(30, "GET /closed HTTP/1.1\r\nHost: a\r\n\r\n"), so_many(20, 401));
    for (const auto* head : {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
                             "GET / HTTP/1.1\r\n\r\n", "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n",
                             "PUT /open HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"}) {
        const auto refused = raw(instance_.port(), head);
        EXPECT_EQ(refused.status, 429u) << head;
        EXPECT_TRUE(refused.header("Retry-After")) << head;
    }
    EXPECT_THAT(http_get(instance_.admin_port(), "/metrics").body, HasSubstr("route=\"malformed\""));
}

TEST_F(Edge, MalformedHeadsCountAgainstTheAddress) {
    EXPECT_EQ(statuses(30, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), so_many(20, 400));
    EXPECT_EQ(http_get(instance_.port(), "/open").status, 429u);
}

TEST_F(Edge, AMissingScopeCountsAgainstTheKey) {
    const auto key = create_key("free").header();
    EXPECT_EQ(statuses(30, "GET /scoped HTTP/1.1\r\nHost: a\r\n" + key + "\r\n"), so_many(20, 403));
    EXPECT_EQ(http_get(instance_.port(), "/open").status, 200u) << "not against the address";
}

TEST_F(Edge, NothingRunsForABadBody) {
    const auto runs = [] {
        return run_command(
                   {"psql", "-Atc", "select count(*) from edge_test_run", world_environment().at("SLUICE_PG_PRIMARY")})
            .out;
    };
    const auto before = runs();
    for (const auto* line : {"POST /ids", "DELETE /ids", "GET /open", "GET /cached/1"}) {
        for (const auto* rest : {"Transfer-Encoding: chunked\r\n\r\nz\r\n", "Content-Length: 5\r\n\r\nhel",
                                 "Transfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n"}) {
            EXPECT_EQ(raw(instance_.port(), std::string{line} + " HTTP/1.1\r\nHost: a\r\n" + rest).status, 400u)
                << line << rest;
        }
    }
    EXPECT_EQ(runs(), before);
    const std::string token = "Host: a\r\nAuthorization: Bearer let me in\r\n";
    const std::string bad = "Transfer-Encoding: chunked\r\n\r\nz\r\n";
    EXPECT_EQ(raw(instance_.admin_port(), "GET /metrics HTTP/1.1\r\nHost: a\r\n" + bad).status, 400u);
    EXPECT_EQ(raw(instance_.admin_port(), "GET /admin/keys HTTP/1.1\r\n" + token + bad).status, 400u);
    EXPECT_EQ(raw(instance_.admin_port(), "GET /admin/keys HTTP/1.1\r\nHost: a\r\n" + bad).status, 401u);
    EXPECT_EQ(raw(instance_.admin_port(), "POST /admin/purge HTTP/1.1\r\n" + token + bad).status, 400u);
}

TEST_F(Edge, TheAdminApiTakesOneCredential) {
    const std::string good = "Authorization: Bearer let me in\r\n";
    EXPECT_EQ(http_get(instance_.admin_port(), "/admin/keys", good).status, 200u);
    EXPECT_EQ(http_get(instance_.admin_port(), "/admin/keys", good + good).status, 401u);
    EXPECT_EQ(http_get(instance_.admin_port(), "/admin/keys", good + "Authorization: Bearer x\r\n").status, 401u);
}

TEST_F(Edge, AHalfClosedClientGetsItsAnswer) {
    const auto answer = raw(instance_.port(), "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, R"({"data":[{"one":1}]})");
}

TEST_F(Edge, TheFirst404OfARouteIsMarkedLikeTheNext) {
    EXPECT_EQ(http_get(instance_.port(), "/cached/0").header("Cache-Status"), "sluice; fwd=miss");
    EXPECT_THAT(http_get(instance_.port(), "/cached/0").header("Cache-Status").value_or(""), StartsWith("sluice; hit"));
}

TEST_F(Edge, AFreshAnswerIsAsOldAsTheLastPoll) {
    http_get(instance_.port(), "/cached/1");
    // A hit, loaded more than `max_age` ago: a cache in front may use it for all of that.
    HttpResponse hit;
    int attempts = 0;
    ASSERT_TRUE(eventually([&] {
        if (++attempts < 5) {
            http_get(instance_.port(), "/slow");
            return false;
        }
        hit = http_get(instance_.port(), "/cached/1");
        return true;
    }));
    EXPECT_THAT(hit.header("Cache-Status").value_or(""), HasSubstr("hit; ttl=29"));
    EXPECT_THAT(hit.header("Cache-Status").value_or(""), testing::Not(HasSubstr("ttl=299")));
    EXPECT_EQ(hit.header("Age"), "0");
    EXPECT_EQ(hit.header("Cache-Control").value_or("").substr(0, 9), "max-age=3");
}

TEST_F(Edge, HealthAnswersWhenClientsHoldAllDescriptors) {
    for (const std::string limit : {"256", "40"}) {  // with the latter the pools alone could take all
        const auto script = directory_.write(
            "few.sh", "#!/bin/sh\nulimit -n " + limit + "\nexec '" + sluice_program() + "' serve --config \"$1\"\n");
        std::filesystem::permissions(script, std::filesystem::perms::owner_all);
        Instance instance{directory_.write("api.yaml", config), world_environment(), script.string()};
        {
            std::vector<std::unique_ptr<HttpClient>> many;
            for (int i = 0; i < 600; ++i) {
                many.push_back(std::make_unique<HttpClient>(instance.port()));
                many.back()->send("GET /open HTTP/1.1\r\nHost: a\r\n");
            }
            for (int i = 0; i < 20; ++i) {
                EXPECT_EQ(http_get(instance.admin_port(), "/health/live").status, 200u) << limit;
                EXPECT_EQ(http_get(instance.admin_port(), "/health/ready").status, 200u) << limit;
            }
        }
        EXPECT_TRUE(eventually([&] {
            try {
                const auto status = http_get(instance.port(), "/nowhere").status;
                return status == 404 || status == 429;
            } catch (const std::runtime_error&) {
                return false;
            }
        })) << limit;
        std::size_t lines = 0;
        const auto log = instance.log();
        for (auto at = log.find("accept_failed"); at != log.npos; at = log.find("accept_failed", at + 1)) ++lines;
        EXPECT_LE(lines, 6u) << log;
    }
}

}  // namespace sluice::test
