// The change feed: what it reports, in which order, and what it does when the primary goes and comes.
#include "postgres/schema/change_feed.hpp"
#include "postgres/schema/feed_query.hpp"
#include "postgres/schema/invalidation_writer.hpp"
#include "postgres/schema/key_store.hpp"
#include "postgres/schema/schema.hpp"
#include "support/postgres_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>

namespace sluice::test {

using namespace std::chrono_literals;
using policy::Invalidation;
using postgres::ChangeFeed;
using postgres::Poll;

class PostgresFeed : public PostgresTest {
protected:
    void begin(ChangeFeed::Settings settings) {
        settings.url = primary;
        feed = std::make_unique<ChangeFeed>(
            settings,
            [this](const Poll& poll) {
                const std::lock_guard lock{mutex};
                polls.push_back(poll);
            },
            [this](const std::exception&) { ++failures; });
        feed->start();
        ASSERT_TRUE(eventually([&] { return count() > 0; }));
    }
    void TearDown() override {
        if (feed) feed->stop();
    }
    std::size_t count() {
        const std::lock_guard lock{mutex};
        return polls.size();
    }
    std::vector<Poll> all() {
        const std::lock_guard lock{mutex};
        return polls;
    }
    std::vector<std::string> names() {
        std::vector<std::string> result;
        for (const auto& poll : all()) {
            for (const auto& row : poll.invalidations) result.push_back(row.name);
        }
        return result;
    }
    std::vector<policy::KeyException> keys() {
        std::vector<policy::KeyException> result;
        for (const auto& poll : all()) result.insert(result.end(), poll.keys.begin(), poll.keys.end());
        return result;
    }
    bool another_poll() {
        const auto before = count();
        return eventually([&] { return count() >= before + 2; });  // the second was sent after this call
    }

    std::mutex mutex;
    std::vector<Poll> polls;
    std::atomic<int> failures{0};
    std::unique_ptr<ChangeFeed> feed;
};

TEST_F(PostgresFeed, ReadsBackWhatIsThereAndThenReportsEachRowOnce) {
    const auto old = postgres::record_invalidation(primary, policy::Invalidation::Kind::all, "");
    begin({});
    EXPECT_TRUE(feed->coherent());
    ASSERT_TRUE(another_poll());
    const auto tag = postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "a");
    const auto glob = postgres::record_invalidation(primary, policy::Invalidation::Kind::glob, "/v1/*");
    ASSERT_TRUE(eventually([&] { return names().size() == 3; }));
    ASSERT_TRUE(another_poll());

    const auto seen = all();
    EXPECT_TRUE(seen.front().first);
    EXPECT_FALSE(seen.front().restarted);
    std::vector<policy::Invalidation> rows;
    for (std::size_t i = 0; i < seen.size(); ++i) {
        EXPECT_EQ(seen[i].first, i == 0);
        EXPECT_TRUE(seen[i].coherent);
        EXPECT_EQ(seen[i].history, seen[0].history);
        EXPECT_GE(seen[i].insert_lsn, seen[i].lsn);
        EXPECT_LE(seen[i].horizon, old.xid);
        if (i > 0) {
            EXPECT_GE(seen[i].lsn, seen[i - 1].lsn);
            EXPECT_GE(seen[i].sent, seen[i - 1].sent);
        }
        rows.insert(rows.end(), seen[i].invalidations.begin(), seen[i].invalidations.end());
    }
    EXPECT_EQ(rows, (std::vector<policy::Invalidation>{old, tag, glob}));
    EXPECT_EQ(failures, 0);
}

TEST_F(PostgresFeed, FindsATransactionThatCommitsLateWithAnOldId) {
    begin({});
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection late{primary, watchdog, limit};
    late.execute("begin; insert into sluice.invalidation (kind, name) values ('tag', 'late')", limit);
    postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "early");
    ASSERT_TRUE(eventually([&] { return names() == std::vector<std::string>{"early"}; }));
    ASSERT_TRUE(another_poll());
    EXPECT_EQ(names(), std::vector<std::string>{"early"}) << "not before it is committed";
    late.execute("commit", limit);
    ASSERT_TRUE(eventually([&] { return names() == (std::vector<std::string>{"early", "late"}); }));
    const auto seen = all();
    const auto& row = *std::find_if(seen.begin(), seen.end(), [](const Poll& p) {
        return !p.invalidations.empty() && p.invalidations[0].name == "late";
    });
    EXPECT_TRUE(row.snapshot.contains(row.invalidations[0].xid));
}

TEST_F(PostgresFeed, APokePollsAtOnce) {
    ChangeFeed::Settings settings;
    settings.interval = std::chrono::hours{1};
    begin(settings);
    postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "poked");
    feed->poke();
    EXPECT_TRUE(eventually([&] { return names() == std::vector<std::string>{"poked"}; }));
}

TEST_F(PostgresFeed, ReportsRevocationsAndChangesOfTier) {
    for (const auto* id : {"plain", "revoked", "moved"}) {
        EXPECT_TRUE(postgres::insert_key(primary, {id, "acme", "free", {}, {}, {}, {}, {}, {}}));
    }
    EXPECT_EQ(postgres::revoke_key(primary, "revoked"), postgres::KeyChange::done);
    begin({});
    ASSERT_TRUE(eventually([&] { return keys().size() == 1; }));
    EXPECT_EQ(keys()[0], (policy::KeyException{"revoked", std::chrono::sys_seconds{}, std::nullopt}));
    EXPECT_EQ(postgres::set_key_tier(primary, "moved", "pro"), postgres::KeyChange::done);
    ASSERT_TRUE(eventually([&] { return keys().size() == 2; }));
    EXPECT_EQ(keys()[1], (policy::KeyException{"moved", std::nullopt, "pro"}));
    ASSERT_TRUE(another_poll());
    EXPECT_EQ(keys().size(), 2U);
}

TEST_F(PostgresFeed, TellsARevocationThatLiesAheadByItsTime) {
    EXPECT_TRUE(postgres::insert_key(primary, {"old", "acme", "free", {}, {}, {}, {}, {}, {}}));
    begin({});
    EXPECT_EQ(postgres::rotate_key(primary, "old", {"new", "acme", "free", {}, {}, {}, {}, {}, {}}, 1h),
              postgres::KeyChange::done);
    ASSERT_TRUE(eventually([&] { return keys().size() == 1; }));
    EXPECT_EQ(keys()[0].id, "old");
    const auto record = postgres::find_key(primary, "old").value();
    EXPECT_EQ(keys()[0].revoked_from, std::chrono::floor<std::chrono::seconds>(record.revoked_at.value()));
}

TEST_F(PostgresFeed, ReadsManyKeyExceptionsInPages) {
    sql("insert into sluice.api_keys (id, name, tier, revoked_at) select 'k' || i, 'acme', 'free', now()"
        " from generate_series(1, 50000) i");
    begin({});
    ASSERT_TRUE(eventually([&] { return all().back().keys_complete; }));
    ASSERT_TRUE(another_poll());
    const auto seen = all();
    EXPECT_TRUE(seen.front().keys_from_start);
    EXPECT_FALSE(seen.front().keys_complete);
    std::set<std::string> ids;
    for (const auto& poll : seen) {
        EXPECT_LE(poll.keys.size(), 20'000U);
        for (const auto& key : poll.keys) EXPECT_TRUE(ids.insert(key.id).second) << key.id << " came twice";
    }
    EXPECT_EQ(ids.size(), 50'000U);

    // So many changes at once are read in pages again, from the start.
    sql("update sluice.api_keys set tier_override = 'pro'");
    ASSERT_TRUE(eventually([&] {
        const auto now = all();
        return std::any_of(now.begin() + 1, now.end(), [](const Poll& poll) { return poll.keys_from_start; }) &&
               now.back().keys_complete;
    }));
    std::map<std::string, std::optional<std::string>> tiers;
    for (const auto& key : keys()) tiers[key.id] = key.tier;
    EXPECT_EQ(tiers.size(), 50'000U);
    EXPECT_TRUE(std::all_of(tiers.begin(), tiers.end(), [](const auto& key) { return key.second == "pro"; }));
}

TEST_F(PostgresFeed, GoesOnWhereItWasAfterALostConnection) {
    begin({});
    postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "before");
    ASSERT_TRUE(eventually([&] { return names().size() == 1; }));
    sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sluice' and pid <> "
        "pg_backend_pid()"
        " and usename = current_user");
    ASSERT_TRUE(eventually([&] { return failures > 0; }));
    postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "after");
    ASSERT_TRUE(eventually([&] { return names() == (std::vector<std::string>{"before", "after"}); }));
    EXPECT_FALSE(all().back().restarted);
}

TEST_F(PostgresFeed, ReadsEverythingAnewFromAServerThatWasRestarted) {
    postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "kept");
    begin({});
    stack.kill("primary");
    ASSERT_TRUE(eventually([&] { return failures > 0; }));
    stack.up();
    ASSERT_TRUE(eventually([&] { return all().back().restarted || names().size() > 1; }));
    EXPECT_EQ(names(), (std::vector<std::string>{"kept", "kept"}));
    const auto seen = all();
    EXPECT_EQ(std::count_if(seen.begin(), seen.end(), [](const Poll& poll) { return poll.first; }), 2);
    EXPECT_TRUE(feed->coherent());
}

TEST_F(PostgresFeed, AFrozenPrimaryFailsPollsAndAStopIsPrompt) {
    ChangeFeed::Settings settings;
    settings.answer_within = 200ms;
    begin(settings);
    stack.freeze("primary");
    EXPECT_TRUE(eventually([&] { return failures > 1; }));
    stack.thaw("primary");
    EXPECT_TRUE(another_poll());
    stack.freeze("primary");
    feed->stop();
}

TEST_F(PostgresFeed, WithoutTheSchemaItReportsTheLogAndWaitsForAMigration) {
    sql("drop schema sluice cascade");
    ChangeFeed::Settings settings;
    settings.look_for_schema = 0s;
    begin(settings);
    EXPECT_FALSE(feed->coherent());
    EXPECT_GT(all().front().lsn, 0U);
    EXPECT_FALSE(all().front().coherent);
    postgres::migrate(primary);
    postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "first");
    EXPECT_TRUE(eventually([&] { return feed->coherent() && names() == std::vector<std::string>{"first"}; }));
    EXPECT_EQ(failures, 0);
}

TEST_F(PostgresFeed, TheSchemaMayGoAndComeBackWhileItPolls) {
    postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "before");
    ChangeFeed::Settings settings;
    settings.look_for_schema = 0s;
    begin(settings);
    EXPECT_TRUE(another_poll());
    sql("drop schema sluice cascade");
    EXPECT_TRUE(eventually([&] { return !feed->coherent(); }));
    postgres::migrate(primary);
    postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "after");
    EXPECT_TRUE(eventually([&] { return feed->coherent() && names().back() == "after"; }));
    EXPECT_TRUE(another_poll());
    EXPECT_EQ(failures, 0);
}

TEST_F(PostgresFeed, PurgingMovesTheHorizon) {
    sql("insert into sluice.invalidation (kind, name, created_at) values ('tag', 'old', now() - interval '2 days'),"
        " ('tag', 'older', now() - interval '3 days')");
    const auto fresh = postgres::record_invalidation(primary, policy::Invalidation::Kind::tag, "fresh");
    const auto xid = std::stoull(*sql("select xid::text from sluice.invalidation where name = 'old'").at(0).at(0));
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection connection{primary, watchdog, limit};
    EXPECT_EQ(postgres::purge_invalidations(connection, std::chrono::hours{24 * 7}, 100, limit), 0U);
    EXPECT_EQ(postgres::purge_invalidations(connection, std::chrono::hours{24}, 1, limit), 1U);
    EXPECT_EQ(postgres::purge_invalidations(connection, std::chrono::hours{24}, 100, limit), 1U);
    ChangeFeed::Settings settings;
    settings.retention = std::chrono::hours{24};
    begin(settings);
    EXPECT_EQ(names(), std::vector<std::string>{"fresh"});
    EXPECT_EQ(all().front().horizon, xid + 1);
    EXPECT_LE(all().front().horizon, fresh.xid);
}

TEST_F(PostgresFeed, PurgesByItself) {
    sql("insert into sluice.invalidation (kind, name, created_at) select 'tag', 'old', now() - interval '2 days' from"
        " generate_series(1, 5100)");
    ChangeFeed::Settings settings;
    settings.retention = std::chrono::hours{24};
    begin(settings);
    EXPECT_TRUE(eventually([&] { return sql("select count(*) from sluice.invalidation").at(0).at(0) == "0"; }));
}

}  // namespace sluice::test
