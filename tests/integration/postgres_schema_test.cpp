// Migrations and the key store.
#include "postgres/schema/key_store.hpp"
#include "postgres/schema/schema.hpp"
#include "support/postgres_fixture.hpp"

#include <thread>

namespace sluice::test {

using namespace std::chrono_literals;

class PostgresSchema : public PostgresTest {};

TEST_F(PostgresSchema, MigratingTwiceDoesNothingTheSecondTime) {
    sql("drop schema sluice cascade");
    EXPECT_GT(postgres::migrations_pending(primary), 0);
    const int pending = postgres::migrations_pending(primary);
    std::vector<std::string> lines;
    EXPECT_EQ(postgres::migrate(primary, [&](std::string_view line) { lines.emplace_back(line); }), pending);
    EXPECT_EQ(lines.size(), static_cast<std::size_t>(pending));
    EXPECT_EQ(postgres::migrations_pending(primary), 0);
    EXPECT_EQ(postgres::migrate(primary), 0);
    EXPECT_EQ(sql("select count(*) from sluice.meta").at(0).at(0), "1");
}

TEST_F(PostgresSchema, SeveralMigrationsAtOnceAreOne) {
    sql("drop schema sluice cascade");
    const int pending = postgres::migrations_pending(primary);
    std::atomic<int> taken{0};
    {
        std::vector<std::jthread> threads;
        threads.reserve(4);
        for (int i = 0; i < 4; ++i) threads.emplace_back([&] { taken += postgres::migrate(primary); });
    }
    EXPECT_EQ(taken, pending);
}

TEST_F(PostgresSchema, AnUnreachableServerIsNoSqlError) {
    stack.kill("primary");
    EXPECT_THROW(postgres::migrate(primary), postgres::ConnectionLost);
    EXPECT_THROW(postgres::migrations_pending(primary), postgres::ConnectionLost);
    EXPECT_THROW(postgres::list_keys(primary, {}), postgres::ConnectionLost);
    EXPECT_THROW(postgres::migrate("postgresql://["), postgres::ConnectionLost);
}

TEST_F(PostgresSchema, KeysAreRecordedRevokedAndMoved) {
    using postgres::KeyChange;
    const auto expiry = std::chrono::system_clock::time_point{std::chrono::microseconds{2'000'000'000'123'456}};
    EXPECT_TRUE(
        postgres::insert_key(primary, {"k1", "acme, \"inc\"", "free", {"reviews:write", "a b"}, {}, expiry, {}, {}, {}}));
    EXPECT_FALSE(postgres::insert_key(primary, {"k1", "other", "pro", {}, {}, {}, {}, {}, {}})) << "the id is taken";
    EXPECT_EQ(postgres::revoke_key(primary, "nobody"), KeyChange::not_found);
    EXPECT_EQ(postgres::set_key_tier(primary, "nobody", "pro"), KeyChange::not_found);

    auto keys = postgres::list_keys(primary, {});
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys[0].name, "acme, \"inc\"");
    EXPECT_EQ(keys[0].tier, "free");
    EXPECT_EQ(keys[0].scopes, (std::vector<std::string>{"reviews:write", "a b"}));
    EXPECT_TRUE(keys[0].created_at);
    EXPECT_EQ(keys[0].expires_at, expiry);
    EXPECT_FALSE(keys[0].revoked_at);

    EXPECT_EQ(postgres::set_key_tier(primary, "k1", "free"), KeyChange::unchanged);
    EXPECT_EQ(postgres::set_key_tier(primary, "k1", "pro"), KeyChange::done);
    EXPECT_EQ(postgres::set_key_tier(primary, "k1", "pro"), KeyChange::unchanged);
    EXPECT_EQ(postgres::set_key_tier(primary, "k1", "free"), KeyChange::done) << "and back";
    EXPECT_EQ(postgres::revoke_key(primary, "k1"), KeyChange::done);
    EXPECT_EQ(postgres::revoke_key(primary, "k1"), KeyChange::unchanged);
    keys = postgres::list_keys(primary, {});
    EXPECT_TRUE(keys[0].revoked_at);
    EXPECT_EQ(keys[0].tier_override, "free");
}

TEST_F(PostgresSchema, ListsKeysInPagesAndByWhatIsAsked) {
    using State = postgres::KeyFilter::State;
    const auto now = std::chrono::system_clock::now();
    for (int i = 0; i < 5; ++i) {
        const auto n = std::to_string(i);
        EXPECT_TRUE(postgres::insert_key(
            primary, {"k" + n, "acme_" + n, i < 2 ? "free" : "pro", {}, now + 1s * (i / 2), {}, {}, {}, {}}));
    }
    EXPECT_TRUE(postgres::insert_key(primary, {"old", "a%", "free", {}, now, now - 1h, {}, {}, {}}));
    EXPECT_EQ(postgres::revoke_key(primary, "k1"), postgres::KeyChange::done);
    EXPECT_EQ(postgres::set_key_tier(primary, "k0", "pro"), postgres::KeyChange::done);

    const auto ids = [&](const postgres::KeyFilter& filter) {
        std::string all;
        for (const auto& key : postgres::list_keys(primary, filter)) all += (all.empty() ? "" : " ") + key.id;
        return all;
    };
    const auto filtered = [](auto member, auto value) {
        postgres::KeyFilter filter;
        filter.*member = value;
        return filter;
    };
    EXPECT_EQ(ids({}), "k4 k3 k2 old k1 k0") << "newest first";
    EXPECT_EQ(ids(filtered(&postgres::KeyFilter::name_prefix, "acme_")), "k4 k3 k2 k1 k0");
    EXPECT_EQ(ids(filtered(&postgres::KeyFilter::name_prefix, "a%")), "old") << "a % is a %";
    EXPECT_EQ(ids(filtered(&postgres::KeyFilter::tier, "pro")), "k4 k3 k2 k0");
    EXPECT_EQ(ids(filtered(&postgres::KeyFilter::state, State::active)), "k4 k3 k2 k0");
    EXPECT_EQ(ids(filtered(&postgres::KeyFilter::state, State::expired)), "old");
    EXPECT_EQ(ids(filtered(&postgres::KeyFilter::state, State::revoked)), "k1");

    postgres::KeyFilter page;
    page.limit = 4;
    const auto first = postgres::list_keys(primary, page);
    ASSERT_EQ(first.size(), 4U);
    page.after = postgres::KeyFilter::Position{first.back().created_at.value(), first.back().id};
    EXPECT_EQ(ids(page), "k1 k0") << "goes on among keys of the same moment, too";
}

TEST_F(PostgresSchema, ARotatedKeyKeepsItsGraceAndCanBeRevokedBefore) {
    using postgres::KeyChange;
    const postgres::KeyRecord successor{"k2", "acme", "pro", {"a"}, {}, {}, {}, {}, {}};
    EXPECT_EQ(postgres::rotate_key(primary, "k1", successor, 1h), KeyChange::not_found);
    EXPECT_TRUE(postgres::insert_key(primary, {"k1", "acme", "free", {"a"}, {}, {}, {}, {}, {}}));
    EXPECT_EQ(postgres::rotate_key(primary, "k1", successor, 1h), KeyChange::done);
    const auto old = postgres::find_key(primary, "k1").value();
    EXPECT_GT(old.revoked_at.value(), std::chrono::system_clock::now() + 30min);
    EXPECT_EQ(old.replaced_by, "k2");
    EXPECT_EQ(postgres::find_key(primary, "k2").value().tier, "pro");
    EXPECT_EQ(postgres::rotate_key(primary, "k1", {"k3", "acme", "pro", {}, {}, {}, {}, {}, {}}, 1h), KeyChange::unchanged);
    EXPECT_FALSE(postgres::find_key(primary, "k3")) << "nothing was recorded";
    EXPECT_EQ(postgres::revoke_key(primary, "k1"), KeyChange::done) << "the grace ends now";
    EXPECT_EQ(postgres::revoke_key(primary, "k1"), KeyChange::unchanged);
}

}  // namespace sluice::test
