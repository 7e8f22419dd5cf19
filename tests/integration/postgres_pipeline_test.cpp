// Quick reads on an event loop's own connections: what they share, and what one does to the others.
#include "postgres/pipeline/read_encoder.hpp"
#include "postgres/schema/schema.hpp"
#include "runtime/pulse.hpp"
#include "support/pipeline_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>

namespace sluice::test {

using namespace std::chrono_literals;
using Kind = DatabaseError::Kind;

class PostgresPipeline : public PipelineTest {
protected:
    void add_statements() override {
        who = read("select pg_backend_pid() as pid, pg_is_in_recovery() as standby, now()::text as now", ResultShape::one);
        divide = read("select 10 / :id::int as x", ResultShape::one);
        named = read("select coalesce(:name::text, 'none') as name, :list is null as empty", ResultShape::one);
        sleep = read("select pg_is_in_recovery() as standby, pg_sleep(case when pg_is_in_recovery() then :price else 0 end)",
                     ResultShape::one);
        untyped = read(
            "select 1 as x where (:name is null or :price is null) and (:flag is null or :list is null) and :id is null",
            ResultShape::one);
        things = read("select * from thing where id = :id", ResultShape::one);
        StatementSpec tagged;
        tagged.name = "GET /labelled";
        tagged.sql = "select name from thing where id = :id";
        tagged.parameters = {"id", "a", "b", "c", "d"};
        tagged.parameter_types.assign(5, ParameterType::integer);
        tagged.result = ResultShape::one;
        tagged.labelled = true;
        labelled = add(tagged);
        auto of_any_length = spec("select repeat(:name, :id::int) as x", ResultShape::one, true);
        for (auto& text : texts) {
            text = add(of_any_length);
            of_any_length.sql += ' ';  // each is learned of by itself
        }
        of_any_length.max_answer = 1000;
        short_text = add(std::move(of_any_length));
    }

    /// `times` times; `{"x":"…"}` has eight bytes more.
    static Query repeated(StatementId statement, const std::string& what, std::size_t times) {
        return query(statement, {std::to_string(times), what});
    }

    boost::asio::cancellation_signal gone;
    std::promise<Result> answer_of_gone;
    StatementId who{}, divide{}, named{}, sleep{}, things{}, labelled{}, untyped{}, short_text{};
    std::array<StatementId, 5> texts{};
};

TEST_F(PostgresPipeline, QuickReadsOfOneTurnShareATransactionOnTheLoopsConnection) {
    const auto by_worker = pid_of(ask_on_loop(query(who)));
    EXPECT_TRUE(eventually([&] { return pid_of(ask_on_loop(query(who))) != by_worker; })) << "it is known to be quick";
    EXPECT_TRUE(eventually([&] {
        auto futures = ask_in_one_turn(std::vector<Query>(4, query(who)));
        std::set<std::string> different;
        for (auto& future : futures) different.insert(json_of(future.get()));
        return different.size() == 1;
    })) << "the same backend, and the same transaction's time";
}

TEST_F(PostgresPipeline, ABadValueAmongGoodOnesIsToldToItsOwnerAlone) {
    learn(query(divide, {"1"}));
    for (int round = 0; round < 20; ++round) {
        std::vector<Query> queries;
        queries.reserve(24);
        for (int i = 0; i < 24; ++i) {
            queries.push_back(query(divide, {i % 5 == round % 5   ? "0"
                                             : i % 7 == round % 7 ? "ten"
                                                                  : std::to_string(i + 1)}));
        }
        auto futures = ask_in_one_turn(queries);
        for (int i = 0; i < 24; ++i) {
            const auto answer = futures[static_cast<std::size_t>(i)].get();
            const auto& value = *queries[static_cast<std::size_t>(i)].values[0];
            if (value == "0" || value == "ten") {
                ASSERT_FALSE(answer) << i;
                EXPECT_EQ(answer.error().kind, Kind::rejected);
                EXPECT_EQ(answer.error().sqlstate, value == "0" ? "22012" : "22P02") << answer.error().message;
                if (value == "ten") EXPECT_NE(answer.error().message.find("\"ten\""), std::string::npos);
            } else {
                ASSERT_TRUE(answer) << i << ": " << answer.error().message;
                EXPECT_EQ(answer->json, R"({"x":)" + std::to_string(10 / (i + 1)) + "}");
                EXPECT_FALSE(answer->from_primary);
            }
        }
    }
    EXPECT_EQ(status_of("replica-1").breaker, policy::CircuitBreaker::State::closed);
}

TEST_F(PostgresPipeline, AnAnswerTooLongForALoopComesWholeFromAWorkerAndDisturbsNobody) {
    constexpr auto longest = postgres::longest_on_loop - 8;
    // Also of three bytes a character, so that what is cut has more bytes than characters.
    const std::array<std::pair<std::string, std::size_t>, 5> cases{
        {{"x", longest}, {"x", longest + 1}, {"€", longest / 3 + 1}, {"€", longest}, {"x", 4 * longest}}};
    learn(query(divide, {"1"}));
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const auto& [what, times] = cases[i];
        learn(repeated(texts[i], "y", 2));
        auto futures = ask_in_one_turn({query(divide, {"5"}), repeated(texts[i], what, times), query(divide, {"2"})});
        EXPECT_EQ(json_of(futures[0].get()), R"({"x":2})");
        const auto answer = json_of(futures[1].get());
        EXPECT_EQ(answer.size(), what.size() * times + 8) << i;
        EXPECT_TRUE(answer.ends_with(what + "\"}")) << i;
        EXPECT_EQ(json_of(futures[2].get()), R"({"x":5})");
    }
}

TEST_F(PostgresPipeline, AnAnswerLongerThanItsStatementMayGiveIsRefusedWithItsLength) {
    learn(repeated(short_text, "y", 2));
    const auto longest = ask_on_loop(repeated(short_text, "x", 992));
    EXPECT_EQ(json_of(longest).size(), 1000u);
    for (const auto& [what, times] : {std::pair{"x", 993u}, std::pair{"€", 400u}, std::pair{"x", 5000u}}) {
        auto futures = ask_in_one_turn({repeated(short_text, "y", 1), repeated(short_text, what, times)});
        EXPECT_EQ(json_of(futures[0].get()), R"({"x":"y"})");
        const auto refused = futures[1].get();
        ASSERT_FALSE(refused) << what << ' ' << times;
        EXPECT_EQ(refused.error().kind, Kind::too_large);
        EXPECT_EQ(refused.error().bytes, std::string_view{what}.size() * times + 8);
    }
}

TEST_F(PostgresPipeline, ALoopThatIsBusyTakesItsAnswersWhenThePulseLooks) {
    learn(query(divide, {"1"}));
    auto futures = ask_in_one_turn(std::vector<Query>(3, query(divide, {"5"})));
    const auto executor = loops.serving(0).executor();
    std::promise<bool> taken;
    const auto look = [&] {
        taken.set_value(eventually([&] {
            runtime::Pulse::of(executor).look();
            return futures[2].wait_for(0s) == std::future_status::ready;
        }));
    };
    // Behind the turn that sends them, and the loop does nothing else meanwhile.
    boost::asio::post(executor, [&] { boost::asio::post(executor, [&] { boost::asio::post(executor, look); }); });
    EXPECT_TRUE(taken.get_future().get());
    for (auto& future : futures) EXPECT_EQ(json_of(future.get()), R"({"x":2})");
    EXPECT_EQ(json_of(ask_on_loop(query(divide, {"2"}))), R"({"x":5})") << "and goes on reading as ever";
}

TEST_F(PostgresPipeline, NullsArraysAndTypesThatCannotBeInferredWorkAsOnAWorker) {
    learn(query(named, {{}, "first"}));
    const auto none = ask_on_loop(query(named));
    ASSERT_TRUE(none) << none.error().message;
    EXPECT_EQ(none->json, R"({"name":"none","empty":true})");
    const auto some = ask_on_loop(query(named, {{}, "x'); drop table thing; --", {}, {}, "{a,b}"}));
    ASSERT_TRUE(some) << some.error().message;
    EXPECT_EQ(some->json, R"({"name":"x'); drop table thing; --","empty":false})");
}

TEST_F(PostgresPipeline, ASlowReadGoesToAWorkerAndThoseBehindItDoNotWait) {
    learn(query(divide, {"1"}));
    learn(query(sleep, {{}, {}, "0"}));
    std::vector<Query> queries(6, query(divide, {"5"}));
    queries.insert(queries.begin() + 2, query(sleep, {{}, {}, "600"}));
    auto futures = ask_in_one_turn(queries, 600s);
    for (std::size_t i = 0; i < futures.size(); ++i) {
        if (i == 2) continue;
        const auto answer = futures[i].get();
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->json, R"({"x":2})");
    }
    EXPECT_TRUE(eventually_asleep("1")) << "once, and by the worker";
    EXPECT_EQ(futures[2].wait_for(0s), std::future_status::timeout);
    const auto answer = ask_on_loop(query(divide, {"5"}));
    ASSERT_TRUE(answer) << "the worker is busy for ten minutes, the loop's connection is not: " << answer.error().message;
    EXPECT_EQ(futures[2].wait_for(0s), std::future_status::timeout);
}

TEST_F(PostgresPipeline, AReadThatIsLateIsAnsweredAtItsDeadlineAndEnded) {
    learn(query(sleep, {{}, {}, "0"}));
    const auto answer = ask_on_loop(query(sleep, {{}, {}, "600"}), 50ms);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::timed_out);
    EXPECT_TRUE(eventually_asleep("0")) << "long before its own timeout";
    EXPECT_TRUE(ask_on_loop(query(sleep, {{}, {}, "0"})));
    EXPECT_EQ(status_of("replica-1").breaker, policy::CircuitBreaker::State::closed);
}

TEST_F(PostgresPipeline, AReadWhoseCallerHasGoneIsEnded) {
    learn(query(sleep, {{}, {}, "0"}));
    const auto executor = loops.serving(0).executor();
    boost::asio::co_spawn(executor, pool->run(query(sleep, {{}, {}, "600"}), Deadline::after(Clock::now(), 600s)),
                          boost::asio::bind_cancellation_slot(gone.slot(), [this](std::exception_ptr, Result result) {
                              answer_of_gone.set_value(std::move(result));
                          }));
    ASSERT_TRUE(eventually_asleep("1"));
    boost::asio::post(executor, [this] { gone.emit(boost::asio::cancellation_type::terminal); });
    answer_of_gone.get_future().wait();
    EXPECT_TRUE(eventually_asleep("0"));
}

TEST_F(PostgresPipeline, AReadWhoseBackendIsKilledIsDoneElsewhere) {
    learn(query(sleep, {{}, {}, "0"}));
    auto futures = ask_in_one_turn({query(sleep, {{}, {}, "600"})}, 600s);
    EXPECT_TRUE(eventually([&] {
        sql_at(super, "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
        return futures[0].wait_for(10ms) == std::future_status::ready;
    }));
    const auto answer = futures[0].get();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->from_primary);
    EXPECT_EQ(nlohmann::json::parse(answer->json).at("standby"), false);
    connected();
    const auto again = ask_on_loop(query(who));
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->from_primary);
}

TEST_F(PostgresPipeline, ReadsOfAStatementWhoseTypesAreGuessedOneByOneAllWaitForThat) {
    // By workers, so that the loop's connection has yet to learn.
    for (auto& future : ask_in_one_turn(std::vector<Query>(4, query(untyped)))) ASSERT_TRUE(future.get());
    for (auto& future : ask_in_one_turn(std::vector<Query>(8, query(untyped)))) {
        const auto answer = future.get();
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->json, R"({"x":1})");
    }
}

TEST_F(PostgresPipeline, AConnectionThatIsLostIsOneFailureHoweverManyReadsItHad) {
    learn(query(divide, {"1"}));
    learn(query(sleep, {{}, {}, "0"}));
    std::vector<Query> queries(12, query(divide, {"5"}));  // no more than the primary's one worker has room for
    queries.front() = query(sleep, {{}, {}, "600"});
    auto futures = ask_in_one_turn(queries, 600s);
    EXPECT_TRUE(eventually([&] {
        sql_at(super, "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
        return futures[0].wait_for(1ms) == std::future_status::ready;
    }));
    for (auto& future : futures) EXPECT_TRUE(future.get());
    EXPECT_EQ(status_of("replica-1").breaker, policy::CircuitBreaker::State::closed);
}

TEST_F(PostgresPipeline, NoReadFailsWhenTheReplicaDiesAndItsConnectionsComeBackWithIt) {
    learn(query(divide, {"1"}));
    stack.kill("replica");
    for (int i = 0; i < 20; ++i) {
        for (auto& future : ask_in_one_turn(std::vector<Query>(8, query(divide, {"5"})))) {
            const auto answer = future.get();
            ASSERT_TRUE(answer) << answer.error().message;
            EXPECT_EQ(answer->json, R"({"x":2})");
        }
    }
    stack.up();
    connected();
    EXPECT_TRUE(eventually(
        [&] {
            const auto answer = ask_on_loop(query(divide, {"5"}));
            return answer && !answer->from_primary;
        },
        60s))
        << "its breaker may have to reset, which takes 30 s";
}

TEST_F(PostgresPipeline, AFrozenReplicaLosesItsReadsToThePrimary) {
    learn(query(divide, {"1"}));
    stack.freeze("replica");
    auto futures = ask_in_one_turn(std::vector<Query>(8, query(divide, {"5"})));
    for (auto& future : futures) {
        const auto answer = future.get();
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_TRUE(answer->from_primary);
    }
    stack.thaw("replica");
    connected();
}

TEST_F(PostgresPipeline, AStopEndsWhatIsUnderWay) {
    learn(query(sleep, {{}, {}, "0"}));
    auto futures = ask_in_one_turn(std::vector<Query>(3, query(sleep, {{}, {}, "600"})), 600s);
    ASSERT_TRUE(eventually([&] { return metric(R"(sluice_db_connections{server="replica-1",state="idle"} 0)"); }));
    stack.freeze("replica");
    pool->stop();
    for (auto& future : futures) {
        const auto answer = future.get();
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::unavailable) << answer.error().message;
    }
    EXPECT_FALSE(ask_on_loop(query(divide, {"5"})));
    stack.thaw("replica");
}

TEST_F(PostgresPipeline, TablesMayChangeUnderAPreparedRead) {
    learn(query(things, {"1"}));
    sql("alter table thing add column more int default 7; alter table thing drop column tags");
    wait_for_replica();
    for (auto& future : ask_in_one_turn(std::vector<Query>(4, query(things, {"1"})))) {
        const auto answer = future.get();
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->json, R"({"id":1,"name":"one","price":1.10,"more":7})");
    }
}

TEST_F(PostgresPipeline, LabelsAreThoseOfAWorkerAndComeAndGoWithTheSchema) {
    auto asked = query(labelled, {"1"});
    const auto by_worker = ask_on_loop(asked);
    ASSERT_TRUE(by_worker) << by_worker.error().message;
    ASSERT_TRUE(by_worker->label);
    learn(asked);
    const auto pipelined = ask_on_loop(asked);
    ASSERT_TRUE(pipelined) << pipelined.error().message;
    EXPECT_EQ(pipelined->json, by_worker->json);
    ASSERT_TRUE(pipelined->label);
    EXPECT_EQ(pipelined->label->history, by_worker->label->history);
    EXPECT_EQ(pipelined->label->snapshot, by_worker->label->snapshot) << "the newest poll's, which the standby has reached";

    sql("drop schema sluice cascade");
    poll();
    for (int i = 0; i < 3; ++i) {
        for (auto& future : ask_in_one_turn(std::vector<Query>(4, asked))) {
            const auto answer = future.get();
            ASSERT_TRUE(answer) << answer.error().message;
            EXPECT_FALSE(answer->label);
        }
    }
    postgres::migrate(primary);
    poll();
    EXPECT_TRUE(eventually([&] {
        const auto answer = ask_on_loop(asked);
        return answer && answer->label;
    }));
}

class PostgresPipelineWithoutSchema : public PostgresPipeline {
protected:
    void prepare() override {
        sql("drop schema sluice cascade");
        wait_for_replica();
    }
};

TEST_F(PostgresPipelineWithoutSchema, ASchemaThatCameLaterIsFound) {
    auto asked = query(labelled, {"1"});
    learn(asked);
    EXPECT_FALSE(ask_on_loop(asked)->label);
    postgres::migrate(primary);
    poll();
    EXPECT_TRUE(eventually([&] {
        const auto answer = ask_on_loop(asked);
        return answer && answer->label;
    }));
}

}  // namespace sluice::test
