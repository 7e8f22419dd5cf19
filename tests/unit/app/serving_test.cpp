// Configurations that take each other's place under load, without PostgreSQL. Run under ThreadSanitizer as well.
#include "app/serving.hpp"

#include "postgres/workers/statement_table.hpp"
#include "runtime/one_shot.hpp"
#include "support/process.hpp"
#include "support/swap_server.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>

namespace sluice::app {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HttpClient;
using test::SwapLoad;
using test::SwapServer;

/// Answers `{"mark":…}` with the text in the statement's quotes, from another thread, which calls a query's functions when
/// the caller may be gone.
class MarkDatabase final : public Database {
public:
    ~MarkDatabase() override { workers_.join(); }

    StatementId add(StatementSpec spec) override { return statements->add(std::move(spec)); }
    awaitable<boost::system::result<QueryResult, DatabaseError>> run(Query query, Deadline deadline) override {
        const runtime::OneShot<std::string> slot{co_await boost::asio::this_coro::executor};
        const auto work = [slot, query = std::make_shared<const Query>(std::move(query)), this] {
            const auto& spec = postgres::StatementTable::of(query->statement).statement.spec();
            const auto quote = spec.sql.find('\'') + 1;
            slot.set("{\"mark\":\"" + spec.sql.substr(quote, spec.sql.find('\'', quote) - quote) + "\"}");
            if (query->invalidates) invalidated += query->invalidates("{}").size();
        };
        boost::asio::post(workers_, work);
        auto json = co_await slot.wait(deadline);
        if (!json) co_return DatabaseError{DatabaseError::Kind::timed_out, {}, "late"};
        QueryResult result;
        result.json = std::move(*json);
        result.found = true;
        co_return result;
    }

    const std::shared_ptr<postgres::StatementTable> statements = std::make_shared<postgres::StatementTable>();
    std::atomic<std::size_t> invalidated{0};

private:
    boost::asio::thread_pool workers_{2};
};

RouteSettings route(Method method, const std::string& pattern, const std::string& mark) {
    RouteSettings made;
    made.method = method;
    made.pattern = pattern;
    made.sql().text = "select '" + mark + "' as mark, '" + pattern + "' as path";
    made.sql().result = ResultShape::one;
    return made;
}

Settings settings(const std::string& mark) {
    Settings made;
    made.postgres.emplace().primary = "postgresql://nobody@127.0.0.1:1/none";
    made.log.access = AccessLog::off;
    made.server.threads = 2;
    made.server.headers["X-Mark"] = mark;
    for (auto& [name, tier] : made.tiers) tier.limits = {{1'000'000'000, 60s}};
    made.routes.push_back(route(Method::get, "/cached", mark));
    made.routes.back().cache.emplace().ttl = 1h;
    made.routes.push_back(route(Method::get, "/refreshed", mark));
    made.routes.back().cache.emplace().ttl = 1ms;
    made.routes.back().cache->revalidate = 1h;
    made.routes.push_back(route(Method::get, "/uncached", mark));
    made.routes.push_back(route(Method::post, "/written", mark));
    made.routes.back().sql().invalidates = {"written", mark};
    made.routes.back().body_schema = R"({"type":"object"})";
    return made;
}

const std::vector<SwapLoad::Question> questions{
    {"GET", "/cached"}, {"GET", "/refreshed"}, {"GET", "/uncached"}, {"GET", "/cached"}, {"POST", "/written", "{}"},
};
constexpr std::size_t statements_of_each = 4;

class ServingTest : public testing::Test {
protected:
    /// Dependencies of this process alone: nothing is connected, and copies are fresh by their ttl.
    static Settings lasting() { return {}; }
    void expect_one_left(const SwapServer& server) {
        EXPECT_TRUE(eventually([&] { return server.alive() == 1; })) << server.alive() << " are left";
        EXPECT_TRUE(eventually([&] { return database_.statements->numbers().size() == statements_of_each; }))
            << database_.statements->numbers().size() << " statements are left";
    }

    MarkDatabase database_;
};

}  // namespace

TEST_F(ServingTest, AThousandSwapsOfTwoConfigurationsUnderLoad) {
    SwapServer server{lasting(), settings("a"), &database_};
    const auto changes = [&] { return database_.statements->changes(); };
    const auto first = database_.statements->numbers();
    SwapLoad load{server.port(), questions, 3};
    HttpClient client{server.port()};
    for (int i = 0; i < 1'000; ++i) {
        server.swap(settings(i % 2 == 0 ? "b" : "a"));
        SwapLoad::ask(client, questions[static_cast<std::size_t>(i) % questions.size()]);
        ASSERT_FALSE(HasFatalFailure());
    }
    EXPECT_TRUE(eventually([&] { return load.answers() >= 1'000; }));
    load.stop();
    EXPECT_FALSE(HasFatalFailure());
    EXPECT_GT(database_.invalidated, 0u);
    EXPECT_GE(changes(), first.size());
    expect_one_left(server);
}

TEST_F(ServingTest, TheSameConfigurationAgainNamesTheSameStatements) {
    SwapServer server{lasting(), settings("a"), &database_};
    const auto changes = database_.statements->changes();
    const auto numbers = database_.statements->numbers();
    SwapLoad load{server.port(), questions, 2};
    for (int i = 0; i < 300; ++i) server.swap(settings("a"));
    EXPECT_TRUE(eventually([&] { return load.answers() >= 300; }));
    load.stop();
    expect_one_left(server);
    EXPECT_EQ(database_.statements->numbers(), numbers);
    EXPECT_EQ(database_.statements->changes(), changes) << "none has come or gone";
}

TEST_F(ServingTest, AThousandDifferentConfigurationsLeaveNothing) {
    SwapServer server{lasting(), settings("m"), &database_};
    SwapLoad load{server.port(), questions, 2};
    HttpClient client{server.port()};
    for (int i = 0; i < 1'000; ++i) {
        server.swap(settings("m" + std::to_string(i)));
        SwapLoad::ask(client, questions[static_cast<std::size_t>(i) % questions.size()]);
        ASSERT_FALSE(HasFatalFailure());
    }
    load.stop();
    EXPECT_FALSE(HasFatalFailure());
    expect_one_left(server);
}

TEST_F(ServingTest, AConfigurationThatCannotBeServedChangesNothing) {
    SwapServer server{lasting(), settings("a"), &database_};
    auto twice = settings("b");
    twice.routes.push_back(twice.routes.front());
    EXPECT_THROW(server.swap(std::move(twice)), ConfigurationError);
    HttpClient client{server.port()};
    const auto answer = client.request("GET", "/cached");
    EXPECT_EQ(answer.header("X-Mark"), "a");
    EXPECT_EQ(database_.statements->numbers().size(), statements_of_each);
}

}  // namespace sluice::app
