// An instance is killed after a write was committed and before it hears of it. The client, who has no answer, asks another.
#include "postgres/connection/connection.hpp"
#include "support/http_client.hpp"
#include "support/postgres_relay.hpp"
#include "support/private_stack.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>

namespace sluice::test {
namespace {

class LostAnswer : public ::testing::Test {
protected:
    LostAnswer() {
        PrivateStack::instance().up();
        survivor_ = std::make_unique<Instance>(world_config(), world_environment());
        key_ = create_key("enterprise", {"reviews:write"});
    }

    std::string sql(const std::string& text) {
        postgres::Watchdog watchdog;
        const auto limit = Clock::now() + std::chrono::seconds{60};
        postgres::Connection connection{PrivateStack::instance().env("SLUICE_PG_PRIMARY"), watchdog, limit};
        return connection.execute(text, limit).at(0).at(0).value_or("");
    }
    std::string reviews(const std::string& text) { return sql("select count(*) from review where text = '" + text + "'"); }

    std::string request(const std::string& text, const std::string& headers) const {
        const auto body = body_of(text);
        return "POST /v1/cities/2988507/reviews HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + key_.header() +
               headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    static std::string body_of(const std::string& text) { return R"({"stars":5,"text":")" + text + "\"}"; }

    /// Sends the review to an instance that is killed between its COMMIT and the answer. Returns once it is committed.
    void commit_and_die(const std::string& text, const std::string& headers) {
        auto environment = world_environment();
        environment["SLUICE_PG_PRIMARY"] = relay_.url();
        Instance victim{world_config(), environment};
        ASSERT_TRUE(eventually([&] {
            return nlohmann::json::parse(http_get(victim.admin_port(), "/health/ready").body).at("status") == "ok";
        }));
        relay_.swallow_next_commit();
        HttpClient client{victim.port()};
        ASSERT_TRUE(client.send(request(text, headers)));
        ASSERT_TRUE(eventually([&] { return relay_.swallowed(); })) << victim.log();
        victim.signal(SIGKILL);
        EXPECT_EQ(victim.wait(), 128 + SIGKILL);
        EXPECT_FALSE(client.receive()) << "there was no answer";
        ASSERT_TRUE(eventually([&] { return reviews(text) == "1"; }));
    }
    /// As a client does that was told to wait: what was committed is visible a moment before its lock is free.
    HttpResponse retry(const std::string& text, const std::string& headers) const {
        HttpResponse answer;
        eventually([&] {
            answer = http_post(survivor_->port(), "/v1/cities/2988507/reviews", body_of(text),
                               key_.header() + headers + "Content-Type: application/json\r\n");
            return answer.status != 409;
        });
        return answer;
    }

    PostgresRelay relay_{PrivateStack::instance().env("SLUICE_PG_PRIMARY")};
    std::unique_ptr<Instance> survivor_;
    Key key_;
};

}  // namespace

TEST_F(LostAnswer, IsGivenByAnotherInstanceToWhoeverRetriesWithTheKey) {
    for (int round = 0; round < 10; ++round) {
        const auto text = "lost answer " + std::to_string(::getpid()) + " " + std::to_string(round);
        const auto headers = "Idempotency-Key: \"" + std::to_string(::getpid()) + "-" + std::to_string(round) + "\"\r\n";
        ASSERT_NO_FATAL_FAILURE(commit_and_die(text, headers));
        const auto answer = retry(text, headers);
        ASSERT_EQ(answer.status, 201u) << answer.body;
        EXPECT_EQ(answer.header("Idempotency-Replayed"), "true");
        EXPECT_EQ(answer.body, sql("select body from sluice.idempotency where body like '%\"" + text + "\"%'"));
        EXPECT_EQ(nlohmann::json::parse(answer.body).at("data").at("id").dump(),
                  sql("select id from review where text = '" + text + "'"));
        EXPECT_EQ(retry(text, headers).body, answer.body);
        EXPECT_EQ(reviews(text), "1");
    }
}

TEST_F(LostAnswer, WithoutAKeyTheRetryIsAnotherWrite) {
    const auto text = "written twice " + std::to_string(::getpid());
    ASSERT_NO_FATAL_FAILURE(commit_and_die(text, ""));
    EXPECT_EQ(retry(text, "").status, 201u);
    EXPECT_EQ(reviews(text), "2") << "this is the moment that the keys are for";
}

}  // namespace sluice::test
