// The admin API for API keys, as an operator uses it.
#include "support/http_client.hpp"
#include "support/private_stack.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <map>
#include <set>
#include <sstream>

namespace sluice::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class AdminKeys : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        PrivateStack::instance().up();
        instance_ = std::make_unique<Instance>(world_config(), world_environment());
        other_ = std::make_unique<Instance>(world_config(), world_environment());
    }
    static void TearDownTestSuite() {
        instance_.reset();
        other_.reset();
    }

    static HttpResponse ask(const std::string& method, const std::string& target, const std::string& body = {}) {
        const auto token = "Authorization: Bearer " + world_environment().at("SLUICE_ADMIN_TOKEN") + "\r\n";
        return HttpClient{instance_->admin_port()}.request(method, target, body, token);
    }
    static json data(const HttpResponse& response) { return json::parse(response.body).at("data"); }
    static std::string detail(const HttpResponse& response) { return json::parse(response.body).at("detail"); }
    static json create(const std::string& body) {
        const auto made = ask("POST", "/admin/keys", body);
        EXPECT_EQ(made.status, 201u) << made.body;
        return data(made);
    }
    /// What an instance answers the key's holder; each test has an address of its own, so that no limit is met.
    static HttpResponse holder(const Instance& instance, const json& key, const std::string& address) {
        return http_get(instance.port(), "/v1/regions",
                        "X-Forwarded-For: " + address + "\r\nX-API-Key: " + key.at("key").get<std::string>() + "\r\n");
    }
    /// Within a second, as promised; the wait is longer, since machines are noisy.
    static bool everywhere(unsigned status, const json& key, const std::string& address) {
        return eventually([&] { return holder(*instance_, key, address).status == status; }) &&
               eventually([&] { return holder(*other_, key, address).status == status; });
    }

    static std::unique_ptr<Instance> instance_;
    static std::unique_ptr<Instance> other_;
};
std::unique_ptr<Instance> AdminKeys::instance_;
std::unique_ptr<Instance> AdminKeys::other_;

}  // namespace

TEST_F(AdminKeys, AKeyIsCreatedShownMovedAndRevoked) {
    const std::string address = "192.0.2.51";
    const auto key = create(R"({"name": "acme", "tier": "free", "scopes": ["reviews:write"], "expires": "90d"})");
    EXPECT_EQ(key.at("state"), "active");
    EXPECT_FALSE(key.at("expires_at").is_null());
    const auto path = "/admin/keys/" + key.at("id").get<std::string>();
    EXPECT_EQ(holder(*instance_, key, address).header("X-RateLimit-Limit"), "1000");

    const auto shown = ask("GET", path);
    EXPECT_EQ(shown.status, 200u);
    EXPECT_EQ(shown.header("Cache-Control"), "no-store");
    EXPECT_EQ(shown.body.find("slk_"), std::string::npos) << "the key is shown once, when it is made";
    EXPECT_EQ(data(shown).at("scopes"), (json{"reviews:write"}));

    EXPECT_EQ(data(ask("PATCH", path, R"({"tier": "pro"})")).at("tier"), "pro");
    EXPECT_TRUE(eventually([&] { return holder(*other_, key, address).header("X-RateLimit-Limit") == "10000"; }));

    EXPECT_EQ(data(ask("DELETE", path)).at("state"), "revoked");
    EXPECT_TRUE(everywhere(401, key, address));
    EXPECT_EQ(ask("DELETE", path).status, 200u) << "it is so already";
}

TEST_F(AdminKeys, ARotatedKeyAndItsSuccessorAreBothGoodDuringTheGrace) {
    const std::string address = "192.0.2.52";
    const auto old = create(R"({"name": "rotating", "tier": "pro", "scopes": ["reviews:write"]})");
    const auto path = "/admin/keys/" + old.at("id").get<std::string>();
    const auto rotated = ask("POST", path + "/rotate", R"({"grace": "1h"})");
    ASSERT_EQ(rotated.status, 201u) << rotated.body;
    const auto key = data(rotated);
    EXPECT_EQ(key.at("tier"), "pro");
    EXPECT_EQ(key.at("scopes"), old.at("scopes"));
    EXPECT_TRUE(everywhere(200, key, address));
    EXPECT_TRUE(everywhere(200, old, address));
    EXPECT_EQ(data(ask("GET", path)).at("state"), "rotated");
    EXPECT_EQ(data(ask("GET", path)).at("replaced_by"), key.at("id"));
    EXPECT_EQ(ask("POST", path + "/rotate").status, 409u) << "a key has one successor";
    EXPECT_EQ(ask("DELETE", path).status, 200u);
    EXPECT_TRUE(everywhere(401, old, address));
    EXPECT_TRUE(everywhere(200, key, address));

    const auto at_once = ask("POST", "/admin/keys/" + key.at("id").get<std::string>() + "/rotate", R"({"grace": "0s"})");
    ASSERT_EQ(at_once.status, 201u);
    EXPECT_TRUE(everywhere(401, key, address));
    EXPECT_TRUE(everywhere(200, data(at_once), address));
}

TEST_F(AdminKeys, TheListComesInPagesAndIsFiltered) {
    std::set<std::string> made;
    for (int i = 0; i < 5; ++i) made.insert(create(R"({"name": "paged", "tier": "free"})").at("id"));
    std::set<std::string> seen;
    std::string after;
    int pages = 0;
    do {
        const auto page = ask("GET", "/admin/keys?name=paged&limit=2" + (after.empty() ? "" : "&after=" + after));
        ASSERT_EQ(page.status, 200u) << page.body;
        const auto document = json::parse(page.body);
        for (const auto& key : document.at("data")) {
            EXPECT_TRUE(seen.insert(key.at("id")).second);
            EXPECT_FALSE(key.contains("key"));
        }
        after = document.at("next").is_null() ? "" : document.at("next").get<std::string>();
        ++pages;
    } while (!after.empty() && pages < 10);
    EXPECT_EQ(seen, made);
    EXPECT_EQ(pages, 3);
    EXPECT_EQ(json::parse(ask("GET", "/admin/keys?name=paged&state=revoked").body).at("data").size(), 0u);
    EXPECT_EQ(json::parse(ask("GET", "/admin/keys?name=paged&tier=free&state=active").body).at("data").size(), 5u);
    for (const auto* bad : {"limit=0", "limit=1001", "limit=x", "state=lost", "after=x", "after=AAAA", "sort=name"}) {
        EXPECT_EQ(ask("GET", std::string{"/admin/keys?"} + bad).status, 400u) << bad;
    }
}

TEST_F(AdminKeys, WhatMakesNoSenseIsRefusedAndSaysWhy) {
    const struct {
        std::string body;
        unsigned status;
        std::string says;
    } cases[] = {
        {"", 400, "JSON object"},
        {"[]", 400, "JSON object"},
        {R"({"name": "x"})", 422, "'tier' is missing"},
        {R"({"tier": "pro"})", 422, "'name' is missing"},
        {R"({"name": "", "tier": "pro"})", 422, "1 to 200 bytes"},
        {R"({"name": "x", "tier": "gold"})", 422, "no tier 'gold'"},
        {R"({"name": "x", "tier": 5})", 422, "'tier' must be a string"},
        {R"({"name": "x", "tier": "pro", "scopes": "a"})", 422, "list of strings"},
        {R"({"name": "x", "tier": "pro", "scopes": ["a b"]})", 422, "scope"},
        {R"({"name": "x", "tier": "pro", "expires": "soon"})", 422, "duration"},
        {R"({"name": "x", "tier": "pro", "expires": "0s"})", 422, "duration"},
        {R"({"name": "x", "tier": "pro", "expire": "1d"})", 422, "'expire' is not known"},
    };
    for (const auto& [body, status, says] : cases) {
        const auto answer = ask("POST", "/admin/keys", body);
        EXPECT_EQ(answer.status, status) << body;
        EXPECT_THAT(detail(answer), HasSubstr(says)) << body;
    }
    const std::string nobody = "/admin/keys/0123456789abcdef01234567";
    EXPECT_EQ(ask("GET", nobody).status, 404u);
    EXPECT_EQ(ask("DELETE", nobody).status, 404u);
    EXPECT_EQ(ask("PATCH", nobody, R"({"tier": "pro"})").status, 404u);
    EXPECT_EQ(ask("POST", nobody + "/rotate").status, 404u);
    EXPECT_EQ(ask("PATCH", nobody, R"({"tier": "gold"})").status, 422u);
    EXPECT_EQ(ask("POST", nobody + "/rotate", R"({"grace": "long"})").status, 422u);
    EXPECT_EQ(ask("PUT", nobody).status, 405u);
    EXPECT_THAT(detail(ask("DELETE", "/admin/keys/slk_0123")), HasSubstr("not a key's id")) << "not into the log";
}

TEST_F(AdminKeys, NothingIsToldWithoutTheToken) {
    for (const std::string credentials :
         {"", "Authorization: Bearer wrong\r\n", "Authorization: Basic YWRtaW46YWRtaW4=\r\n"}) {
        for (const auto* method : {"GET", "POST"}) {
            const auto answer = HttpClient{instance_->admin_port()}.request(method, "/admin/keys", "", credentials);
            EXPECT_EQ(answer.status, 401u) << credentials;
            EXPECT_EQ(answer.header("WWW-Authenticate"), "Bearer");
            EXPECT_TRUE(answer.header("X-Request-Id"));
        }
    }
}

TEST_F(AdminKeys, EveryChangeIsAnAuditLine) {
    Instance instance{world_config(), world_environment()};
    const auto token =
        "X-Request-Id: change-1\r\nAuthorization: Bearer " + world_environment().at("SLUICE_ADMIN_TOKEN") + "\r\n";
    const auto made =
        HttpClient{instance.admin_port()}.request("POST", "/admin/keys", R"({"name": "audited", "tier": "pro"})", token);
    ASSERT_EQ(made.status, 201u) << made.body;
    const auto key = data(made);
    const auto id = key.at("id").get<std::string>();
    HttpClient{instance.admin_port()}.request("PATCH", "/admin/keys/" + id, R"({"tier": "gold"})", token);
    HttpClient{instance.admin_port()}.request("DELETE", "/admin/keys/" + id, "", token);
    instance.signal(SIGTERM);
    instance.wait();
    const auto log = instance.log();
    std::map<std::string, json> lines;
    std::istringstream in{log};
    for (std::string line; std::getline(in, line);) {
        const auto entry = json::parse(line, nullptr, false);
        if (entry.is_object() && entry.value("event", "") == "audit") lines[entry.at("action")] = entry;
    }
    ASSERT_EQ(lines.size(), 3u) << log;
    EXPECT_EQ(lines["key.create"].at("key"), id);
    EXPECT_EQ(lines["key.create"].at("request_id"), "change-1");
    EXPECT_EQ(lines["key.create"].at("from"), "127.0.0.1");
    EXPECT_EQ(lines["key.set_tier"].at("outcome"), "invalid");
    EXPECT_EQ(lines["key.revoke"].at("outcome"), "done");
    EXPECT_EQ(log.find(key.at("key").get<std::string>()), std::string::npos) << "no credential in the log";
}

TEST_F(AdminKeys, TheCommandsDoTheSame) {
    const auto keys = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {sluice_program(), "keys"});
        arguments.insert(arguments.begin() + 3, {"--config", world_config().string()});
        return run_command(arguments, world_environment());
    };
    const auto made = keys({"create", "--name", "by command", "--tier", "free", "--json"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const auto key = json::parse(made.out);
    const auto id = key.at("id").get<std::string>();
    const auto rotated = keys({"rotate", "--grace", "2h", "--json", id});
    ASSERT_EQ(rotated.exit_code, 0) << rotated.err;
    EXPECT_EQ(json::parse(keys({"show", "--json", id}).out).at("replaced_by"), json::parse(rotated.out).at("id"));
    EXPECT_THAT(keys({"show", id}).out, HasSubstr("rotated"));
    EXPECT_THAT(keys({"rotate", id}).err, HasSubstr("was rotated already"));
    EXPECT_THAT(keys({"rotate", "--grace", "soon", id}).err, HasSubstr("no duration"));
    EXPECT_EQ(json::parse(keys({"list", "--json", "--name", "by command", "--limit", "1"}).out).size(), 1u);
    EXPECT_THAT(keys({"list", "--name", "by command", "--limit", "1"}).err, HasSubstr("there are more"));
    EXPECT_EQ(keys({"list", "--state", "lost"}).exit_code, 2);
    EXPECT_THAT(keys({"show", "nobody"}).err, HasSubstr("'sluice keys list' shows the ids"));
}

}  // namespace sluice::test
