// Usage of keys on its way from the instances over Redis to PostgreSQL: nothing is counted twice, whatever is lost.
#include "app/usage_flow.hpp"
#include "memory/usage_counter.hpp"
#include "postgres/schema/key_store.hpp"
#include "postgres/schema/usage_store.hpp"
#include "redis/usage_log.hpp"
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/redis_fixture.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <map>
#include <random>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using policy::KeyUsage;
using policy::Usage;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::chrono::sys_days today() { return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()); }

constexpr auto patient = 20'000ms;
const auto never = Deadline::never();

using Batch = std::optional<redis::UsageLog::Batch>;
using Pending = std::optional<std::vector<redis::UsageLog::Pending>>;

Usage sum_of(const std::vector<KeyUsage>& all) {
    Usage sum;
    for (const auto& one : all) sum += one.usage;
    return sum;
}

}  // namespace

TEST(UsageLog, AnAdditionThatIsRepeatedIsAddedOnce) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    redis::UsageLog log{instance.client};
    redis::UsageLog other{instance.client};
    const std::vector<KeyUsage> some{{"a", today(), {3, 1, 100, 1}}, {"b", today(), {1, 0, 5'000'000'000, 0}}};
    EXPECT_TRUE(instance.run(0, log.add(1, some, never)));
    EXPECT_TRUE(instance.run(0, log.add(1, some, never))) << "it is there, which is what was asked for";
    EXPECT_TRUE(instance.run(0, log.add(2, some, never)));
    EXPECT_TRUE(instance.run(0, other.add(1, some, never))) << "another instance counts for itself";

    const Pending pending = instance.run(0, log.pending("a", {today(), today() - std::chrono::days{1}}, never));
    ASSERT_TRUE(pending);
    ASSERT_EQ(pending->size(), 1u);
    EXPECT_EQ(pending->front().day, today());
    EXPECT_EQ(pending->front().usage, (Usage{9, 3, 300, 3}));
    EXPECT_FALSE(instance.run(0, log.oldest_closed(1h, never))) << "it still takes additions";
    const Batch batch = instance.run(0, log.oldest_closed(0ms, never));
    ASSERT_TRUE(batch);
    EXPECT_EQ(sum_of(batch->usage), (Usage{12, 3, 15'000'000'300, 3}));
    EXPECT_EQ(instance.run(0, log.oldest_closed(1h, never))->id, batch->id) << "until it is forgotten";
    EXPECT_EQ(instance.run(0, log.pending("a", {today()}, never))->size(), 1u);
    EXPECT_TRUE(instance.run(0, log.add(3, some, never)));
    EXPECT_EQ(instance.run(0, log.pending("a", {today()}, never))->size(), 2u) << "a closed batch takes nothing more";
    EXPECT_TRUE(instance.run(0, log.forget(*batch, never)));
    EXPECT_FALSE(instance.run(0, log.oldest_closed(1h, never)));
    EXPECT_EQ(instance.run(0, log.pending("a", {today()}, never))->front().usage, (Usage{3, 1, 100, 1}));
}

TEST(UsageLog, AFullBatchIsClosed) {
    const RedisServer server;
    RedisInstance instance{server.settings(patient)};
    ASSERT_TRUE(instance.recovers());
    redis::UsageLog log{instance.client, 2};
    for (std::uint64_t i = 1; i <= 5; ++i) {
        const std::vector<KeyUsage> one{{"k" + std::to_string(i), today(), {1, 0, 0, 0}}};
        EXPECT_TRUE(instance.run(0, log.add(i, one, never)));
    }
    std::vector<std::string> keys;
    while (const Batch batch = instance.run(0, log.oldest_closed(1h, never))) {
        for (const auto& usage : batch->usage) keys.push_back(usage.key);
        EXPECT_TRUE(instance.run(0, log.forget(*batch, never)));
    }
    EXPECT_THAT(keys, ::testing::UnorderedElementsAre("k1", "k2", "k3", "k4"));
}

class UsageTest : public PostgresTest {};

TEST_F(UsageTest, ABatchIsAddedToThePrimaryOnce) {
    const std::vector<KeyUsage> some{{"a", today(), {3, 1, 100, 1}},
                                     {"a", today() - std::chrono::days{1}, {1, 0, 7, 0}},
                                     {"b", today(), {1, 0, 5'000'000'000, 0}}};
    EXPECT_TRUE(postgres::add_usage(primary, "first", some));
    EXPECT_FALSE(postgres::add_usage(primary, "first", some));
    EXPECT_TRUE(postgres::add_usage(primary, "second", some));
    const std::vector<std::string> ids{"first", "third"};
    const auto stored = postgres::read_usage(primary, "a", today() - std::chrono::days{1}, ids);
    EXPECT_EQ(stored.days,
              (std::vector<KeyUsage>{{"a", today(), {6, 2, 200, 2}}, {"a", today() - std::chrono::days{1}, {2, 0, 14, 0}}}));
    EXPECT_EQ(stored.batches, std::set<std::string>{"first"});
    EXPECT_EQ(postgres::read_usage(primary, "a", today(), {}).days.size(), 1u);
    EXPECT_THAT(postgres::read_usage(primary, "c", today(), {}).days, IsEmpty());
}

// Two instances count while Redis freezes beyond its timeout again and again, so that nobody knows what was added, and both
// move what the other has closed. A reader in between never sees more than was counted.
TEST_F(UsageTest, NothingIsLostOrDoubledWhileRedisFreezes) {
    RedisServer server;
    struct Node {
        explicit Node(const RedisServer& server, const std::string& primary)
            : redis{server.settings(50ms)},
              log{redis.client, 20},
              flow{{primary, 5ms, 40ms}, counter, &log, redis.loops, redis.metrics} {
            flow.start();
        }
        RedisInstance redis;
        memory::UsageCounter counter;
        redis::UsageLog log;
        app::UsageFlow flow;
    };
    std::vector<std::unique_ptr<Node>> nodes;
    nodes.reserve(2);
    for (int i = 0; i < 2; ++i) nodes.push_back(std::make_unique<Node>(server, primary));
    RedisInstance reader{server.settings(patient)};
    redis::UsageLog reader_log{reader.client};
    runtime::BlockingLane lane{1, 4};
    const auto read = [&](const std::string& key) {
        return reader.run(0, app::read_usage(primary, &reader_log, lane, reader.executor(0), key, 2, never));
    };
    ASSERT_TRUE(eventually([&] { return reader.client.available(); }));

    std::mt19937 random{7};
    std::map<std::string, Usage> counted;
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 500; ++i) {
            const auto key = "k" + std::to_string(random() % 30);
            const auto usage = policy::usage_of(random() % 9 == 0 ? 429U : 200U, random() % 1000);
            nodes[random() % 2]->counter.count(key, today(), usage);
            counted[key] += usage;
        }
        server.freeze();
        std::this_thread::sleep_for(80ms);  // the fault itself
        server.thaw();
        if (round % 5 == 0) {
            // Long enough for batches to move.
            const auto before = sql("select count(*) from sluice.usage_batch").at(0).at(0);
            EXPECT_TRUE(eventually([&] { return sql("select count(*) from sluice.usage_batch").at(0).at(0) != before; }));
            const auto now = sum_of(read("k0").days);
            EXPECT_LE(now.requests, counted["k0"].requests);
        }
    }
    ASSERT_TRUE(eventually([&] { return nodes[0]->redis.client.available() && nodes[1]->redis.client.available(); }));
    for (auto& node : nodes) node->flow.stop();
    for (const auto& [key, usage] : counted) {
        const auto report = read(key);
        EXPECT_TRUE(report.complete);
        EXPECT_EQ(sum_of(report.days), usage) << key;
    }
}

TEST_F(UsageTest, WithoutRedisItGoesToThePrimary) {
    runtime::EventLoops loops{1};
    telemetry::Metrics metrics;
    memory::UsageCounter counter;
    app::UsageFlow flow{{primary, 1h, 1h}, counter, nullptr, loops, metrics};
    loops.start();
    flow.start();
    counter.count("a", today(), policy::usage_of(200, 10));
    flow.stop();
    loops.stop();
    EXPECT_EQ(sum_of(postgres::read_usage(primary, "a", today(), {}).days), (Usage{1, 0, 10, 0}));
}

TEST(UsageOfTheWorld, IsPrintedAndToldByTheAdminApi) {
    PrivateStack::instance().up();
    Instance instance{world_config(), world_environment()};
    const auto key = create_key("free");
    std::size_t bytes = 0;
    for (int i = 0; i < 5; ++i) bytes += http_get(instance.port(), "/v1/regions", key.header()).body.size();
    bytes += http_get(instance.port(), "/v1/nowhere", key.header()).body.size();
    bytes += HttpClient{instance.port()}.request("POST", "/v1/cities/2988507/reviews", "{}", key.header()).body.size();
    // The 404 and the 403 count in the limit, too.
    for (int i = 0; i < 993; ++i) bytes += http_get(instance.port(), "/v1/regions", key.header()).body.size();
    EXPECT_EQ(http_get(instance.port(), "/v1/regions", key.header()).status, 429u);

    const auto command = [&](std::vector<std::string> more) {
        std::vector<std::string> all{sluice_program(), "usage", "--config", world_config().string(), "--key", key.id};
        all.insert(all.end(), more.begin(), more.end());
        return run_command(all, world_environment());
    };
    nlohmann::json day;
    EXPECT_TRUE(eventually([&] {
        const auto printed = command({"--json"});
        EXPECT_EQ(printed.exit_code, 0) << printed.err;
        const auto days = nlohmann::json::parse(printed.out).at("data");
        if (days.empty()) return false;
        day = days.at(0);
        return days.size() == 1 && day.at("requests") == 1001;
    })) << day.dump();
    EXPECT_EQ(day.at("errors"), 2);
    EXPECT_EQ(day.at("rejections"), 1);
    EXPECT_GT(day.at("bytes"), bytes);

    const auto token = "Authorization: Bearer " + world_environment().at("SLUICE_ADMIN_TOKEN") + "\r\n";
    const auto told = http_get(instance.admin_port(), "/admin/keys/" + key.id + "/usage?days=1", token);
    ASSERT_EQ(told.status, 200u) << told.body;
    EXPECT_EQ(nlohmann::json::parse(told.body).at("data").at(0), day);
    EXPECT_EQ(nlohmann::json::parse(told.body).at("complete"), true);
    EXPECT_EQ(http_get(instance.admin_port(), "/admin/keys/nobody/usage", token).status, 404u);
    EXPECT_EQ(http_get(instance.admin_port(), "/admin/keys/" + key.id + "/usage?days=0", token).status, 400u);
    EXPECT_EQ(http_get(instance.admin_port(), "/admin/keys/" + key.id + "/usage").status, 401u);
    EXPECT_THAT(command({}).out, HasSubstr("REJECTIONS"));
    EXPECT_EQ(command({"--days", "0"}).exit_code, 2);
    const auto nobody = run_command({sluice_program(), "usage", "--config", world_config().string(), "--key", "nobody"},
                                    world_environment());
    EXPECT_EQ(nobody.exit_code, 1);
    EXPECT_THAT(nobody.err, HasSubstr("no key with the id 'nobody'"));
}

}  // namespace sluice::test
