// Dependencies die under load, one after the other, and come back. No cached answer fails for it, and what is told is true.
#include "support/http_client.hpp"
#include "support/private_stack.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <map>
#include <thread>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Reads one cached city over and over on a connection of its own, and counts the statuses.
class Reader {
public:
    Reader(std::uint16_t port, std::string headers)
        : port_{port}, headers_{std::move(headers)}, thread_{[this](const std::stop_token& stop) { read(stop); }} {}
    ~Reader() { stop(); }

    void stop() {
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }
    std::size_t answers() const { return answers_; }
    /// After stop.
    const std::map<unsigned, std::size_t>& statuses() const { return statuses_; }
    const std::string& trouble() const { return trouble_; }

private:
    void read(const std::stop_token& stop) {
        try {
            HttpClient client{port_};
            while (!stop.stop_requested()) {
                const auto answer = client.request("GET", "/v1/cities/2988507", {}, headers_);
                ++statuses_[answer.status];
                if (answer.status >= 500) trouble_ = answer.body;
                ++answers_;
            }
        } catch (const std::exception& error) {
            trouble_ = error.what();
            ++statuses_[0];
        }
    }

    std::uint16_t port_;
    std::string headers_;
    std::atomic<std::size_t> answers_{0};
    std::map<unsigned, std::size_t> statuses_;
    std::string trouble_;
    std::jthread thread_;
};

class OutageTest : public ::testing::Test {
protected:
    OutageTest() {
        PrivateStack::instance().up();
        instance_ = std::make_unique<Instance>(world_config(), world_environment());
        key_ = create_key("enterprise", {"reviews:write"});
        EXPECT_TRUE(becomes("ok")) << ready().dump();
        EXPECT_EQ(read(), 200u);
    }
    ~OutageTest() override { PrivateStack::instance().up(); }

    unsigned read() { return http_get(instance_->port(), "/v1/cities/2988507", key_.header()).status; }
    nlohmann::json ready() { return nlohmann::json::parse(http_get(instance_->admin_port(), "/health/ready").body); }
    bool becomes(const std::string& status) {
        return eventually([&] { return ready().at("status") == status; }, std::chrono::seconds{60});
    }
    bool degrades(const std::string& dependency) {
        return eventually([&] {
            const auto state = ready();
            const auto& degraded = state.at("degraded");
            return std::find(degraded.begin(), degraded.end(), dependency) != degraded.end();
        });
    }
    std::string metrics() { return http_get(instance_->admin_port(), "/metrics").body; }

    std::unique_ptr<Instance> instance_;
    Key key_;
};

}  // namespace

TEST_F(OutageTest, EachDependencyDiesUnderLoadAndComesBack) {
    std::vector<std::unique_ptr<Reader>> readers;
    for (int i = 0; i < 4; ++i) readers.push_back(std::make_unique<Reader>(instance_->port(), key_.header()));
    const auto served_more = [&](std::size_t more) {
        const auto before = readers.front()->answers();
        return eventually([&] { return readers.front()->answers() >= before + more; });
    };
    ASSERT_TRUE(served_more(50));
    for (const auto* dependency : {"redis", "replica", "primary"}) {
        PrivateStack::instance().kill(dependency);
        const std::string name = std::string{dependency} == "replica" ? "replica-1" : dependency;
        EXPECT_TRUE(degrades(name)) << name << ": " << ready().dump();
        EXPECT_EQ(http_get(instance_->admin_port(), "/health/ready").status, 200u) << "degraded is still ready";
        EXPECT_TRUE(served_more(200)) << "after " << name << " was killed";
    }
    // All are dead now: what is cached is served, marked as stale once it may be outdated; what is not cached is refused.
    EXPECT_TRUE(eventually([&] {
        return http_get(instance_->port(), "/v1/cities/2988507", key_.header()).body.find("\"stale\":true") !=
               std::string::npos;
    }));
    const auto uncached = http_get(instance_->port(), "/v1/cities/2643743", key_.header());
    EXPECT_EQ(uncached.status, 503u);
    EXPECT_TRUE(uncached.header("Retry-After"));
    EXPECT_THAT(metrics(), HasSubstr(R"(sluice_ratelimit_decisions_total{decision="local",tier="enterprise"})"));

    PrivateStack::instance().up();
    EXPECT_TRUE(becomes("ok")) << ready().dump();
    EXPECT_TRUE(served_more(200));
    EXPECT_EQ(http_get(instance_->port(), "/v1/cities/2643743", key_.header()).status, 200u);
    EXPECT_TRUE(eventually([&] {
        const auto answer = http_get(instance_->port(), "/v1/cities/2988507", key_.header());
        return answer.status == 200 && answer.body.find("stale") == std::string::npos;
    }));
    for (auto& reader : readers) {
        reader->stop();
        EXPECT_EQ(reader->statuses().size(), 1u) << reader->trouble();
        EXPECT_GT(reader->statuses().at(200), 0u);
    }
}

TEST_F(OutageTest, FrozenServersCostNoCachedAnswer) {
    std::vector<std::unique_ptr<Reader>> readers;
    for (int i = 0; i < 2; ++i) readers.push_back(std::make_unique<Reader>(instance_->port(), key_.header()));
    const auto served_more = [&](std::size_t more) {
        const auto before = readers.front()->answers();
        return eventually([&] { return readers.front()->answers() >= before + more; }, std::chrono::seconds{60});
    };
    for (const auto* dependency : {"redis", "replica", "primary"}) {
        PrivateStack::instance().freeze(dependency);
        EXPECT_TRUE(served_more(20)) << dependency;
        PrivateStack::instance().thaw(dependency);
        EXPECT_TRUE(becomes("ok")) << ready().dump();
    }
    for (auto& reader : readers) {
        reader->stop();
        EXPECT_EQ(reader->statuses().size(), 1u) << reader->trouble();
    }
}

TEST_F(OutageTest, WithTheReplicaGoneThePrimaryServesReads) {
    PrivateStack::instance().kill("replica");
    for (int id : {2643743, 2950159, 3169070, 3117735, 5128581}) {
        EXPECT_EQ(http_get(instance_->port(), "/v1/cities/" + std::to_string(id), key_.header()).status, 200u) << id;
    }
}

TEST_F(OutageTest, WithThePrimaryGoneReadsGoOnAndWritesAreRefused) {
    PrivateStack::instance().kill("primary");
    EXPECT_EQ(http_get(instance_->port(), "/v1/countries/FR", key_.header()).status, 200u);
    const auto write = http_post(instance_->port(), "/v1/cities/2988507/reviews", R"({"stars":5,"text":"lost?"})",
                                 key_.header() + "Content-Type: application/json\r\n");
    EXPECT_EQ(write.status, 503u);
    EXPECT_TRUE(write.header("Retry-After"));
    PrivateStack::instance().up();
    EXPECT_TRUE(eventually(
        [&] {
            return http_post(instance_->port(), "/v1/cities/2988507/reviews", R"({"stars":5,"text":"kept"})",
                             key_.header() + "Content-Type: application/json\r\n")
                       .status == 201;
        },
        std::chrono::seconds{60}));
}

TEST_F(OutageTest, AnInstanceStartsWhileEverythingIsAwayAndRecovers) {
    for (const auto* server : {"redis", "replica", "primary"}) PrivateStack::instance().kill(server);
    Instance fresh{world_config(), world_environment()};
    EXPECT_EQ(http_get(fresh.admin_port(), "/health/ready").status, 200u);
    const auto answer = http_get(fresh.port(), "/v1/cities/2988507", key_.header());
    EXPECT_EQ(answer.status, 503u);
    PrivateStack::instance().up();
    EXPECT_TRUE(eventually([&] { return http_get(fresh.port(), "/v1/cities/2988507", key_.header()).status == 200; },
                           std::chrono::seconds{60}));
}

}  // namespace sluice::test
