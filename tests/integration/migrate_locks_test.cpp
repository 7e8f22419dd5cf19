// `sluice migrate` beside transactions that stay open: nobody waits for it, and it says for whom it waits.
#include "support/postgres_fixture.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <iterator>

namespace sluice::test {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class MigrateLocks : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        sql("drop table if exists town; create table town (id int primary key, note text)");
        file = directory.write("api.yaml",
                               "postgres: { primary: \"" + primary + "\" }\ntables: { town: { tags: [\"town:{id}\"] } }\n");
    }
    void TearDown() override {
        sluice({"migrate", "--remove"});
        sql("drop table if exists town");
    }
    std::vector<std::string> command(std::vector<std::string> words) const {
        words.insert(words.begin(), sluice_program());
        words.insert(words.end(), {"--config", file.string()});
        return words;
    }
    CommandResult sluice(std::vector<std::string> words) const { return run_command(command(std::move(words))); }

    /// A transaction that has written to the table and stays open.
    class Holder {
    public:
        Holder(const std::string& url, const std::string& statement) : connection_{url, watchdog_} {
            connection_.execute("set application_name = 'a holder'; begin; " + statement, limit());
        }
        std::string pid() const { return std::to_string(connection_.backend()); }
        void commit() { connection_.execute("commit", limit()); }

    private:
        static TimePoint limit() { return Clock::now() + 60s; }
        postgres::Watchdog watchdog_;
        postgres::Connection connection_;
    };

    std::string said() const {
        std::ifstream stream{output()};
        return {std::istreambuf_iterator<char>{stream}, {}};
    }
    std::filesystem::path output() const { return directory.path() / "said"; }

    TemporaryDirectory directory;
    std::filesystem::path file;
};

TEST_F(MigrateLocks, ItWaitsWithoutKeepingWritersWaiting) {
    Holder holder{primary, "insert into town values (1)"};
    ChildProcess migrate{command({"migrate"}), output()};
    ASSERT_TRUE(eventually([&] { return said().find("waiting for a lock") != std::string::npos; })) << said();
    EXPECT_THAT(said(),
                HasSubstr("waiting for a lock on the table town, without keeping others waiting: it is held by pid " +
                          holder.pid() + " (a holder, idle in transaction, since "));
    // Behind a lock that is waited for they would end by this timeout, as the holder is still there.
    for (int id = 2; id < 40; ++id)
        sql("set statement_timeout = '20s'; insert into town values (" + std::to_string(id) + ")");
    EXPECT_TRUE(migrate.running());
    EXPECT_THAT(said(), Not(HasSubstr("table town: changes")));
    holder.commit();
    ASSERT_TRUE(eventually([&] { return !migrate.running(); }));
    EXPECT_THAT(said(), HasSubstr("table town: changes by anyone invalidate its tags"));
    const auto all = said();
    const auto first = all.find("waiting for a lock");
    EXPECT_EQ(all.find("waiting for a lock", first + 1), all.npos) << "it is told once";
    EXPECT_THAT(sluice({"check"}).err, Not(HasSubstr("not tracked")));
}

TEST_F(MigrateLocks, ItGivesUpWithAnExitCodeOfItsOwn) {
    Holder holder{primary, "insert into town values (1)"};
    const auto gave_up = sluice({"migrate", "--wait", "1s"});
    EXPECT_EQ(gave_up.exit_code, 75) << gave_up.err;
    EXPECT_THAT(gave_up.err,
                HasSubstr("no lock on the table town in time, and nothing was changed there: it is held by pid " +
                          holder.pid() + " (a holder, "));
    EXPECT_THAT(sluice({"check"}).err, HasSubstr("not tracked"));
    holder.commit();
    EXPECT_EQ(sluice({"migrate"}).exit_code, 0);
}

// Taking triggers away keeps readers out, too.
TEST_F(MigrateLocks, RemovingWaitsForReaders) {
    ASSERT_EQ(sluice({"migrate"}).exit_code, 0);
    Holder holder{primary, "select * from town"};
    EXPECT_EQ(sluice({"migrate", "--remove", "--wait", "1s"}).exit_code, 75);
    EXPECT_THAT(sluice({"check"}).err, Not(HasSubstr("not tracked")));
    holder.commit();
    EXPECT_EQ(sluice({"migrate", "--remove"}).exit_code, 0);
}

TEST_F(MigrateLocks, TheSchemasOwnTablesAreWaitedForToo) {
    sql("delete from sluice.migration where version = 9; alter table sluice.invalidation drop column purge");
    Holder holder{primary, "insert into sluice.invalidation (kind, name) values ('tag', 'x')"};
    const auto gave_up = sluice({"migrate", "--wait", "1s"});
    EXPECT_EQ(gave_up.exit_code, 75) << gave_up.err;
    EXPECT_THAT(gave_up.err, HasSubstr("no lock on the schema sluice in time"));
    EXPECT_THAT(gave_up.err, HasSubstr("pid " + holder.pid()));
    holder.commit();
    EXPECT_THAT(sluice({"migrate"}).out, HasSubstr("schema sluice, version 9"));
}

TEST_F(MigrateLocks, TheWaitIsADuration) {
    const auto wrong = sluice({"migrate", "--wait", "long"});
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_THAT(wrong.err, HasSubstr("--wait takes a duration such as 60s or 5m"));
}

}  // namespace sluice::test
