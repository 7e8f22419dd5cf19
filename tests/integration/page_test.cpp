// Pages over HTTP, as clients and operators meet them.
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <limits>
#include <set>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string head = R"(server: { listen: "${SLUICE_LISTEN:-127.0.0.1:0}", admin: "${SLUICE_ADMIN:-127.0.0.1:0}" }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
tiers: { anonymous: { requests: 100000 } }
)";

const std::string routes = R"(routes:
  GET /plain:
    params: { least: { type: integer, default: 0 } }
    page: { by: [n desc, id], size: 3, max: 5 }
    sql: select id, n from item where id >= :least
  GET /other:
    params: { least: { type: integer, default: 0 } }
    page: { by: [n desc, id], size: 3, max: 5 }
    sql: select id, n from item where id >= :least
  GET /cached/{group}:
    params: { group: integer, q: string }
    page: { by: id, size: 3 }
    sql: select id from item where n = :group and (:q is null or :q <> '')
    cache: { ttl: 1h, tags: ["group:{group}"] }
  GET /ordered:
    params: { least: { type: integer, default: 0 } }
    page: { orders: { most: [-n, -id], id: [id], least: [n, id] }, default: id, size: 6 }
    sql: select id, n from item where id >= :least
    cache: 1h
  GET /long:
    page: { by: [note, id], size: 1 }
    sql: select id, repeat('x', 5000) as note from item
)";

std::string next_of(const HttpResponse& response) {
    const auto next = nlohmann::json::parse(response.body).at("next");
    return next.is_null() ? "" : next.get<std::string>();
}

/// What stands between < and > of its Link.
std::string link_of(const HttpResponse& response) {
    const auto link = response.header("Link").value_or("");
    if (!link.ends_with(">; rel=\"next\"")) return "";
    return link.substr(1, link.find('>') - 1);
}

class Pages : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        sql("drop table if exists item; create table item (id int primary key, n int);"
            "insert into item select i, i % 3 from generate_series(1, 20) i");
        instance_ = std::make_unique<Instance>(directory_.write("pages.yaml", head + routes), environment());
    }
    void TearDown() override {
        instance_.reset();
        sql("drop table if exists item");
    }

    Environment environment() const {
        return {{"SLUICE_PG_PRIMARY", primary}, {"SLUICE_KEY_SECRET", stack.env("SLUICE_KEY_SECRET")}};
    }
    HttpResponse get(const std::string& target, const std::string& headers = {}) const {
        return http_get(instance_->port(), target, headers);
    }
    static std::string status_of(const HttpResponse& response) { return response.header("Cache-Status").value_or(""); }

    TemporaryDirectory directory_;
    std::unique_ptr<Instance> instance_;
};

}  // namespace

TEST_F(Pages, LinksLeadFromTheFirstToTheLast) {
    std::vector<int> ids;
    std::string target = "/plain?least=2";
    int pages = 0;
    while (!target.empty() && ++pages < 20) {
        const auto page = get(target);
        ASSERT_EQ(page.status, 200u) << page.body;
        const auto parsed = nlohmann::json::parse(page.body);
        for (const auto& row : parsed.at("data")) ids.push_back(row.at("id").get<int>());
        target = link_of(page);
        if (target.empty()) {
            EXPECT_THAT(page.body, ::testing::EndsWith(",\"next\":null}"));
            EXPECT_FALSE(page.header("Link"));
        } else {
            EXPECT_EQ(target, "/plain?least=2&cursor=" + next_of(page));
        }
    }
    EXPECT_EQ(pages, 7);
    EXPECT_THAT(ids, ::testing::ElementsAre(2, 5, 8, 11, 14, 17, 20, 4, 7, 10, 13, 16, 19, 3, 6, 9, 12, 15, 18));
}

TEST_F(Pages, TheLimitMayChangeFromPageToPageWithinItsBounds) {
    const auto first = get("/plain?limit=5");
    EXPECT_EQ(nlohmann::json::parse(first.body).at("data").size(), 5u);
    EXPECT_THAT(link_of(first), StartsWith("/plain?limit=5&cursor="));
    const auto second = get("/plain?limit=1&cursor=" + next_of(first));
    EXPECT_EQ(nlohmann::json::parse(second.body).at("data"), nlohmann::json::parse(R"([{"id":17,"n":2}])"));
    for (const auto* wrong : {"0", "6", "-1", "x", "99999999999999999999", ""}) {
        const auto refused = get(std::string{"/plain?limit="} + wrong);
        EXPECT_EQ(refused.status, 400u) << wrong;
        EXPECT_EQ(nlohmann::json::parse(refused.body).at("errors").at(0).at("name"), "limit");
    }
}

TEST_F(Pages, AClientChoosesTheOrderAndItsCursorsKeepIt) {
    const auto walk = [this](std::string target) {
        std::vector<int> ids;
        for (int pages = 0; !target.empty() && pages < 20; ++pages) {
            const auto page = get(target);
            EXPECT_EQ(page.status, 200U) << page.body;
            const auto parsed = nlohmann::json::parse(page.body);
            for (const auto& row : parsed.at("data")) ids.push_back(row.at("id").get<int>());
            target = link_of(page);
        }
        return ids;
    };
    const auto ids_by = [this](const std::string& order) {
        std::vector<int> ids;
        for (const auto& row : sql("select id::text as it from item order by " + order))
            ids.push_back(std::stoi(row.at(0).value()));
        return ids;
    };
    EXPECT_EQ(walk("/ordered"), ids_by("id"));
    EXPECT_EQ(walk("/ordered?order=id"), ids_by("id"));
    EXPECT_EQ(walk("/ordered?order=most"), ids_by("n desc, id desc"));
    EXPECT_EQ(walk("/ordered?order=least&limit=5"), ids_by("n, id"));
    EXPECT_EQ(get("/ordered?order=other").status, 400U);

    const auto next = next_of(get("/ordered?order=most"));
    EXPECT_EQ(get("/ordered?order=least&cursor=" + next).status, 400U);
    EXPECT_EQ(get("/ordered?order=id&cursor=" + next).status, 400U);
    const auto second = get("/ordered?order=most&cursor=" + next);
    EXPECT_EQ(get("/ordered?cursor=" + next).body, second.body) << "a cursor has its order";
    EXPECT_THAT(status_of(get("/ordered?cursor=" + next + "&order=most")), HasSubstr("hit"));
}

TEST_F(Pages, AForgedOrForeignCursorIsRefused) {
    const auto cursor = next_of(get("/plain?least=1"));
    EXPECT_EQ(get("/plain?least=1&cursor=" + cursor).status, 200u);
    auto forged = cursor;
    forged[10] = forged[10] == 'a' ? 'b' : 'a';
    for (const auto& target : {"/plain?least=1&cursor=" + forged, "/plain?least=2&cursor=" + cursor,
                               "/plain?cursor=" + cursor, "/other?least=1&cursor=" + cursor, std::string{"/plain?cursor="},
                               "/plain?cursor=" + std::string(4096, 'A'), "/plain?cursor=" + std::string(4097, 'A')}) {
        const auto refused = get(target);
        EXPECT_EQ(refused.status, 400u) << target << refused.body;
        const auto error = nlohmann::json::parse(refused.body).at("errors").at(0);
        EXPECT_EQ(error.at("in"), "query");
        EXPECT_EQ(error.at("name"), "cursor");
    }
    EXPECT_THAT(get("/plain?cursor=" + std::string(4097, 'A')).body, HasSubstr("at most 4096 characters"));
}

TEST_F(Pages, ACachedPageKeepsItsLinkAndTag) {
    const std::string target = "/cached/1?q=a%20b%26c&limit=2";
    const auto loaded = get(target);
    ASSERT_EQ(loaded.status, 200u) << loaded.body;
    EXPECT_EQ(status_of(loaded), "sluice; fwd=miss");
    EXPECT_EQ(link_of(loaded), target + "&cursor=" + next_of(loaded));
    const auto hit = get(target);
    EXPECT_THAT(status_of(hit), HasSubstr("detail=l1"));
    EXPECT_EQ(hit.body, loaded.body);
    EXPECT_EQ(hit.header("Link"), loaded.header("Link"));
    const auto tag = hit.header("ETag").value_or("");
    EXPECT_EQ(tag, loaded.header("ETag"));
    EXPECT_EQ(link_of(get("/cached/1?limit=2&q=a%20b%26c")), "/cached/1?limit=2&q=a%20b%26c&cursor=" + next_of(loaded))
        << "the client's own spelling, also of a shared copy";

    const auto unchanged = get(target, "If-None-Match: " + tag + "\r\n");
    EXPECT_EQ(unchanged.status, 304u);
    EXPECT_EQ(unchanged.header("Link"), loaded.header("Link"));
    HttpClient client{instance_->port()};
    client.send("HEAD " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto asked = client.receive(HttpClient::Body::none);
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->header("Link"), loaded.header("Link"));
    EXPECT_EQ(asked->header("Content-Length"), std::to_string(loaded.body.size()));

    const auto second = get(link_of(loaded));
    EXPECT_EQ(status_of(second), "sluice; fwd=miss") << "a cursor is another answer";
    EXPECT_NE(second.header("ETag"), tag);
    EXPECT_THAT(status_of(get(link_of(loaded))), HasSubstr("detail=l1"));
    // More rows behind a page change its `next` only where there was none.
    const auto last = get("/cached/1?limit=7");
    EXPECT_EQ(next_of(last), "");
    sql("insert into item values (100, 1); insert into sluice.invalidation (kind, name) values ('tag', 'group:1')");
    EXPECT_TRUE(eventually([&] { return !next_of(get("/cached/1?limit=7")).empty(); })) << "the tag drops pages, too";
    EXPECT_NE(get("/cached/1?limit=7").header("ETag"), last.header("ETag"));
}

TEST_F(Pages, AStalePageSaysSoAndStillLeadsOn) {
    const auto fresh = get("/cached/2");
    ASSERT_EQ(fresh.status, 200u);
    stack.kill("primary");
    EXPECT_TRUE(eventually([&] {
        const auto page = get("/cached/2");
        const auto parsed = nlohmann::json::parse(page.body, nullptr, false);
        return page.status == 200 && parsed.contains("stale") && parsed.at("next") == next_of(fresh) &&
               page.header("Link") == fresh.header("Link");
    }));
    stack.up();
}

TEST_F(Pages, AKeyTooLongForACursorIsOurFaultAndLogged) {
    EXPECT_EQ(get("/long").status, 500u);
    EXPECT_TRUE(eventually([&] { return instance_->log().find("too long for a cursor") != std::string::npos; }));
}

TEST_F(Pages, TheCheckerPointsAtTheColumn) {
    const auto check = [&](const std::string& text) {
        const auto file = directory_.write("check.yaml", text);
        const auto result = run_command({sluice_program(), "check", "--config", file.string()}, environment());
        EXPECT_EQ(result.exit_code, 1) << result.out;
        return result.err;
    };
    const auto wrong = check(head + R"(routes:
  GET /a:
    page: { by: [n desc, idd] }
    sql: select id, n from item
  GET /b:
    page: { by: [doc, id] }
    sql: select id, '{}'::json as doc from item
  GET /c:
    page: { by: id }
    sql: select id from itme
  GET /e:
    page: { orders: { a: [id], b: [-idd, id] }, default: a }
    sql: select id, n from item
  GET /f:
    page: { orders: { a: [id], b: [-id] }, default: a }
    sql: select id from itm
  GET /d:
    page: { by: [id] }
    sql: select id from item where n = :n
    params: { n: string }
)");
    EXPECT_THAT(wrong, HasSubstr("check.yaml:7:26: GET /a: page: column \"idd\" does not exist"));
    EXPECT_THAT(wrong, HasSubstr("check.yaml:10:18: GET /b: page: could not identify an ordering operator for type json"));
    EXPECT_THAT(wrong, HasSubstr("check.yaml:14:25: GET /c: relation \"itme\" does not exist"));
    EXPECT_THAT(wrong, HasSubstr("check.yaml:16:36: GET /e: page: column \"idd\" does not exist"));
    const auto first = wrong.find("relation \"itm\" does not exist");
    EXPECT_NE(first, wrong.npos);
    EXPECT_EQ(wrong.find("relation \"itm\" does not exist", first + 1), wrong.npos) << "told once for all orders";
    EXPECT_THAT(wrong, HasSubstr("GET /d: parameter 'n' is declared string but PostgreSQL expects integer"));
    const auto unsigned_cursors = check(R"(postgres: { primary: "${SLUICE_PG_PRIMARY}" }
routes:
  GET /a:
    page: { by: id }
    sql: select id from item
)");
    EXPECT_THAT(unsigned_cursors, HasSubstr("check.yaml:4:5: 'page' needs 'auth.key_secrets'"));
}

TEST(WorldPages, TwoInstancesWalkTheCitiesOfACountryTogether) {
    PrivateStack::instance().up();
    const auto header = create_key("enterprise").header();
    const Instance first{world_config(), world_environment()};
    const Instance second{world_config(), world_environment()};
    std::set<std::int64_t> ids;
    auto largest = std::numeric_limits<std::int64_t>::max();
    std::string target = "/v1/countries/FR/cities?limit=100";
    for (int pages = 0; !target.empty() && pages < 100; ++pages) {
        const auto page = http_get(first.port(), target, header);
        ASSERT_EQ(page.status, 200u) << page.body;
        HttpResponse shared;
        ASSERT_TRUE(eventually([&] {
            shared = http_get(second.port(), target, header);
            return shared.header("Cache-Status").value_or("").find("hit") != std::string::npos;
        }));
        EXPECT_EQ(shared.body, page.body);
        EXPECT_EQ(shared.header("Link"), page.header("Link"));
        EXPECT_EQ(shared.header("ETag"), page.header("ETag"));
        const auto cities = nlohmann::json::parse(page.body).at("data");
        for (const auto& city : cities) {
            EXPECT_TRUE(ids.insert(city.at("id").get<std::int64_t>()).second) << city;
            EXPECT_LE(city.at("population").get<std::int64_t>(), largest);
            largest = city.at("population").get<std::int64_t>();
        }
        target = link_of(page);
    }
    const auto stats = http_get(first.port(), "/v1/countries/FR/stats", header);
    EXPECT_EQ(ids.size(), nlohmann::json::parse(stats.body).at("data").at("cities").get<std::size_t>());
}

}  // namespace sluice::test
