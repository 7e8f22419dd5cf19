#include "auth/key_refresher.hpp"
#include "support/process.hpp"
#include "support/signing_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

namespace sluice::auth {
namespace {

using namespace std::chrono_literals;
using test::SigningKey;
using ::testing::HasSubstr;

/// What is fetched, as the test says; counts how often it was asked.
class FakeSource {
public:
    void answer(KeyRefresher::Fetched with) {
        const std::lock_guard lock{mutex_};
        answer_ = std::move(with);
    }
    int asked() const {
        const std::lock_guard lock{mutex_};
        return asked_;
    }
    KeyRefresher::Fetch fetch() {
        return [this](const std::stop_token&) {
            const std::lock_guard lock{mutex_};
            ++asked_;
            return answer_;
        };
    }

private:
    mutable std::mutex mutex_;
    KeyRefresher::Fetched answer_ = KeyRefresher::Failed{"nobody answers"};
    int asked_ = 0;
};

std::string set_named(const char* kid) {
    static const auto key = SigningKey::ec();
    return key.jwk({{"kid", kid}}).dump();
}

class KeyRefresherTest : public ::testing::Test {
protected:
    static KeyRefresher::Settings settings() {
        KeyRefresher::Settings made;
        made.source = "a test";
        made.schedule = {.interval = 1h, .on_demand = 1ms, .retry = {1ms, 2ms}};
        made.patience = 10s;
        return made;
    }
    std::string kid() const {
        const auto keys = verifier_.keys();
        return keys ? keys->keys().front().kid() : "";
    }

    FakeSource source_;
    TokenVerifier verifier_{JwtRules{}};
    telemetry::Metrics metrics_;
};

}  // namespace

TEST_F(KeyRefresherTest, StartsWithTheFirstSet) {
    source_.answer(set_named("a"));
    KeyRefresher refresher{settings(), source_.fetch(), verifier_, metrics_};
    EXPECT_EQ(refresher.state(), "unavailable") << "nothing was fetched yet";
    refresher.start();
    EXPECT_EQ(kid(), "a");
    EXPECT_EQ(refresher.state(), "ok");
    EXPECT_EQ(source_.asked(), 1);
    EXPECT_THAT(metrics_.render(), HasSubstr(R"(sluice_breaker_state{dependency="jwks"} 0)"));
}

TEST_F(KeyRefresherTest, ARefreshAtTheIntervalReplacesTheSet) {
    auto frequent = settings();
    frequent.schedule.interval = 1ms;
    source_.answer(set_named("a"));
    KeyRefresher refresher{frequent, source_.fetch(), verifier_, metrics_};
    refresher.start();
    source_.answer(set_named("b"));
    EXPECT_TRUE(test::eventually([&] { return kid() == "b"; }));
    source_.answer(KeyRefresher::Unchanged{});
    const auto asked = source_.asked();
    EXPECT_TRUE(test::eventually([&] { return source_.asked() > asked + 2; }));
    EXPECT_EQ(kid(), "b");
    EXPECT_EQ(refresher.state(), "ok");
}

TEST_F(KeyRefresherTest, AMissingKeyIsLookedFor) {
    source_.answer(set_named("a"));
    KeyRefresher refresher{settings(), source_.fetch(), verifier_, metrics_};
    refresher.start();
    source_.answer(set_named("b"));
    refresher.key_missing();
    EXPECT_TRUE(test::eventually([&] { return kid() == "b"; })) << "the interval is an hour";
}

TEST_F(KeyRefresherTest, AFailureKeepsTheLastGoodSet) {
    source_.answer(set_named("a"));
    KeyRefresher refresher{settings(), source_.fetch(), verifier_, metrics_};
    refresher.start();
    for (const auto& bad : std::vector<KeyRefresher::Fetched>{KeyRefresher::Failed{"away"}, std::string{"<html>"},
                                                              std::string{R"({"keys":[]})"}}) {
        source_.answer(bad);
        refresher.key_missing();
        EXPECT_TRUE(test::eventually([&] { return refresher.state() != "ok"; }));
        EXPECT_EQ(kid(), "a");
        if (refresher.state() == "breaker open") return;  // further failures would only wait for it
        source_.answer(set_named("a"));
        EXPECT_TRUE(test::eventually([&] { return refresher.state() == "ok"; }));
    }
}

TEST_F(KeyRefresherTest, AnUnreachableSourceIsTriedAgainUntilItsBreakerOpens) {
    KeyRefresher refresher{settings(), source_.fetch(), verifier_, metrics_};
    refresher.start();
    EXPECT_FALSE(verifier_.has_keys());
    EXPECT_TRUE(test::eventually([&] { return refresher.state() == "breaker open"; }));
    EXPECT_EQ(source_.asked(), 5);
    EXPECT_THAT(metrics_.render(), HasSubstr(R"(sluice_breaker_state{dependency="jwks"} 1)"));
    EXPECT_THAT(metrics_.render(), HasSubstr(R"(sluice_breaker_transitions_total{dependency="jwks",to="open"} 1)"));
    refresher.stop();  // does not wait for anything
}

}  // namespace sluice::auth
