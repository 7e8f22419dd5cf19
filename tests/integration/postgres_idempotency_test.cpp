// Idempotency keys in the database: one transaction with the write, however many come at once.
#include "postgres/schema/change_feed.hpp"
#include "postgres/schema/idempotency.hpp"
#include "support/postgres_fixture.hpp"

#include <algorithm>

namespace sluice::test {

using namespace std::chrono_literals;
using Kind = DatabaseError::Kind;

class PostgresIdempotency : public PoolTest {
protected:
    static Query query(StatementId statement, std::vector<std::optional<std::string>> values, std::string key = "k") {
        Query made;
        made.statement = statement;
        made.values = std::move(values);
        made.idempotency =
            IdempotencyKey{"caller", "POST /test", std::move(key), std::string(64, 'a'), [](const QueryResult& result) {
                               return KeptAnswer{201, result.json};
                           }};
        return made;
    }
    std::string count(const std::string& table) { return sql("select count(*) from " + table).at(0).at(0).value(); }
};

TEST(IdempotencyLock, HasOneNumberPerCallerRouteAndKey) {
    const auto number = [](std::string caller, std::string route, std::string key) {
        return postgres::lock_number({std::move(caller), std::move(route), std::move(key), {}, {}});
    };
    EXPECT_EQ(number("a", "b", "c"), number("a", "b", "c"));
    EXPECT_NE(number("a", "b", "c"), number("b", "a", "c"));
    EXPECT_NE(number("ab", "", "c"), number("a", "b", "c"));
    // SHA-256 of "1:a1:b1:c": it must not change from one version to the next, while both run.
    EXPECT_EQ(number("a", "b", "c"), 3611028261090945788);
}

TEST_F(PostgresIdempotency, OfManyAtOnceOneWrites) {
    make(settings());
    const auto insert = write("insert into thing (id, name) values (:id, :name) returning id", ResultShape::one);
    start();
    const auto results = ask_all(std::vector<Query>(20, query(insert, {"5", "five"})), 5s);
    std::size_t first = 0;
    for (const auto& result : results) {
        if (!result) {
            EXPECT_EQ(result.error().kind, Kind::in_flight) << result.error().message;
            continue;
        }
        ASSERT_TRUE(result->kept);
        EXPECT_EQ(result->kept->status, 201U);
        EXPECT_EQ(result->kept->body, R"({"id":5})");
        if (!result->replayed) ++first;
    }
    EXPECT_EQ(first, 1U) << "the others would have met the primary key";
    EXPECT_EQ(sql("select count(*) from thing t join sluice.idempotency i on i.xid = t.xmin::text::xid8").at(0).at(0), "1")
        << "in one transaction";
    EXPECT_EQ(status_of("primary").breaker, policy::CircuitBreaker::State::closed);
}

TEST_F(PostgresIdempotency, ATransactionThatCollidedIsRepeatedUnderItsKey) {
    sql("create or replace function collide_once() returns int language plpgsql as $$ begin"
        "  if nextval('tries') < 3 then raise exception 'once more' using errcode = '40001'; end if; return 1; end $$;"
        " drop sequence if exists tries; create sequence tries");
    make(settings());
    const auto collide = write("select collide_once() as ok", ResultShape::one);
    start();
    const auto answer = ask(query(collide, {}));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_FALSE(answer->replayed);
    EXPECT_EQ(sql("select last_value from tries").at(0).at(0), "3");
    EXPECT_TRUE(ask(query(collide, {}))->replayed);
    EXPECT_EQ(sql("select last_value from tries").at(0).at(0), "3") << "the statement did not run again";
}

TEST_F(PostgresIdempotency, AReplayInvalidatesNothing) {
    make(settings());
    const auto insert = write("insert into thing (id, name) values (:id, :name) returning id", ResultShape::one);
    start();
    auto once = query(insert, {"5", "five"});
    once.invalidates = [](std::string_view) { return std::vector<std::string>{"thing:5"}; };
    ASSERT_TRUE(ask(once));
    EXPECT_TRUE(ask(once)->replayed);
    EXPECT_EQ(count("sluice.invalidation"), "1");
    EXPECT_EQ(written.size(), 1U);
}

TEST_F(PostgresIdempotency, WithoutTheRightToKeepTheAnswerTheWriteIsUndone) {
    sql("revoke insert on sluice.idempotency from current_user");
    make(settings());
    const auto insert = write("insert into thing (id, name) values (:id, :name) returning id", ResultShape::one);
    start();
    const auto answer = ask(query(insert, {"5", "five"}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::keys_not_kept) << answer.error().message;
    EXPECT_EQ(count("thing where id = 5"), "0");
    sql("grant insert on sluice.idempotency to current_user");
    EXPECT_TRUE(ask(query(insert, {"5", "five"})));
}

TEST_F(PostgresIdempotency, AnswersArePurgedWhenTheirTimeIsOver) {
    sql("insert into sluice.idempotency (caller, route, key, payload_hash, status, created_at)"
        " select 'c', 'r', i::text, '', 204, now() - i * interval '1 hour' from generate_series(20, 30) i");
    postgres::Watchdog watchdog;
    const auto limit = Clock::now() + 60s;
    postgres::Connection connection{primary, watchdog, limit};
    EXPECT_EQ(postgres::purge_kept_answers(connection, 2, limit), 2U);
    EXPECT_EQ(sql("select max(key::int) from sluice.idempotency").at(0).at(0), "28") << "the oldest first";
    EXPECT_EQ(postgres::purge_kept_answers(connection, 100, limit), 5U);
    EXPECT_EQ(sql("select max(key::int) from sluice.idempotency").at(0).at(0), "23");
    sql("drop table sluice.idempotency");
    EXPECT_EQ(postgres::purge_kept_answers(connection, 100, limit), 0U);
}

TEST_F(PostgresIdempotency, TheChangeFeedPurges) {
    sql("insert into sluice.idempotency (caller, route, key, payload_hash, status, created_at)"
        " select 'c', 'r', i::text, '', 204, now() - interval '25 hours' from generate_series(1, 5100) i");
    postgres::ChangeFeed::Settings feed_settings;
    feed_settings.url = primary;
    postgres::ChangeFeed feed{feed_settings, [](const postgres::Poll&) {}};
    feed.start();
    EXPECT_TRUE(eventually([&] { return count("sluice.idempotency") == "0"; }));
}

}  // namespace sluice::test
