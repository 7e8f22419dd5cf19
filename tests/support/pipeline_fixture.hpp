// A pool whose reads are pipelined on an event loop's own connection to the replica, and what tests of that need.
#pragma once

#include "policy/statement_pace.hpp"
#include "runtime/event_loops.hpp"
#include "support/postgres_fixture.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sluice::test {

class PipelineTest : public PoolTest {
protected:
    using Future = std::future<Result>;

    void SetUp() override {
        PoolTest::SetUp();
        prepare();
        loops.start();
        auto small = settings();
        small.pool = 2;  // of the replica's one is a worker's, the other the loop's
        small.timeout = std::chrono::seconds{600};
        make(small, loops.serving_executors());
        add_statements();
        start();
        connected();
    }

    /// Before the pool connects.
    virtual void prepare() {}
    virtual void add_statements() = 0;

    void TearDown() override {
        if (!pool) return;  // it was not set up
        pool->stop();
        loops.stop();
        pool.reset();  // what it has on the loops goes before them
        // A backend that sleeps does not see that its client has gone.
        sql_at(super, "select pg_terminate_backend(pid, 60000) from pg_stat_activity where wait_event = 'PgSleep'");
    }

    void connected() {
        ASSERT_TRUE(eventually([&] { return metric(R"(sluice_db_connections{server="replica-1",state="down"} 0)"); }));
    }

    static Query query(StatementId statement, std::vector<std::optional<std::string>> values = {}) {
        Query made;
        made.statement = statement;
        made.values = std::move(values);
        made.values.resize(5);
        return made;
    }

    /// All in one turn of the loop.
    std::vector<Future> ask_in_one_turn(std::vector<Query> queries, Duration patience = std::chrono::seconds{60}) {
        std::vector<Future> futures;
        auto promises = std::make_shared<std::vector<std::promise<Result>>>(queries.size());
        futures.reserve(queries.size());
        for (auto& promise : *promises) futures.push_back(promise.get_future());
        const auto executor = loops.serving(0).executor();
        boost::asio::post(executor, [this, executor, patience, promises, queries = std::move(queries)]() mutable {
            for (std::size_t i = 0; i < queries.size(); ++i) {
                boost::asio::co_spawn(executor, pool->run(std::move(queries[i]), Deadline::after(Clock::now(), patience)),
                                      [promises, i](std::exception_ptr error, Result result) {
                                          if (error) return (*promises)[i].set_exception(error);
                                          (*promises)[i].set_value(std::move(result));
                                      });
            }
        });
        return futures;
    }
    Result ask_on_loop(Query asked, Duration patience = std::chrono::seconds{60}) {
        auto futures = ask_in_one_turn({std::move(asked)}, patience);
        return futures.front().get();
    }

    static std::string json_of(const Result& result) {
        if (!result) throw std::runtime_error{result.error().message};
        return result->json;
    }
    static int pid_of(const Result& result) { return nlohmann::json::parse(json_of(result)).at("pid").get<int>(); }

    /// Until it is pipelined, as the next one will be: no worker's backend serves it any more, and the last was quick.
    void learn(const Query& quick) {
        const auto limit = Clock::now() + std::chrono::seconds{60};
        bool learnt = false;
        for (int i = 0; i < 40 || !learnt; ++i) {
            const auto asked = Clock::now();
            ASSERT_LT(asked, limit) << "it is never pipelined";
            const auto before = by_worker();
            const auto answer = ask_on_loop(quick);
            ASSERT_TRUE(answer) << answer.error().message;
            learnt = by_worker() == before && Clock::now() - asked <= policy::StatementPace::quick_up_to;
        }
    }
    /// How many calls the replica's workers have taken.
    std::string by_worker() const {
        const auto text = metrics.render();
        const std::string line = "sluice_queue_seconds_count{pool=\"replica-1:read\"} ";
        const auto at = text.find(line);
        return at == text.npos ? "" : text.substr(at, text.find('\n', at) - at);
    }

    bool eventually_asleep(const std::string& count) {
        return eventually([&] {
            return sql_at(super,
                          "select count(*)::text from pg_stat_activity where state = 'active' and wait_event = 'PgSleep'")
                       .at(0)
                       .at(0) == count;
        });
    }

    const std::string super = stack.env("SLUICE_PG_REPLICA_1_SUPER");
    runtime::EventLoops loops{1};
};

}  // namespace sluice::test
