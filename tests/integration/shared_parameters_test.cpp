// Parameters of one name that PostgreSQL has to see as one, in every way in which a statement is run.
#include "postgres/pool/statement_check.hpp"
#include "support/pipeline_fixture.hpp"

#include <gmock/gmock.h>

namespace sluice::test {

using postgres::check_statements;
using ::testing::HasSubstr;

class SharedParameters : public PipelineTest {
protected:
    void prepare() override {
        sql("drop table if exists visit; create table visit (id int, name text, day date, at timestamp);"
            " insert into visit select i, 'n' || i % 2, '2026-01-01'::date + i, '2026-01-01'::timestamp + i * interval '1 "
            "hour'"
            " from generate_series(1, 48) i");
        wait_for_replica();
    }
    void TearDown() override {
        PipelineTest::TearDown();
        sql("drop table if exists visit");
    }
    void add_statements() override {
        for (const auto& statement : statements) {
            auto made = made_of(statement);
            ids.push_back(add(made));
            made.on_primary = true;
            on_primary.push_back(add(made));
        }
    }
    static StatementSpec made_of(const std::string& text) {
        auto made = spec(text, ResultShape::many, true);
        made.parameters = {"by", "n", "d", "unused", "neither"};
        made.parameter_types.assign(made.parameters.size(), ParameterType::string);
        return made;
    }
    std::string json(StatementId id, bool on_loop) {
        Query asked;
        asked.statement = id;
        asked.values = {"day", "2026-01-02", "2026-01-02", {}, {}};
        auto result = on_loop ? ask_on_loop(std::move(asked)) : ask(std::move(asked));
        return result ? result->json : result.error().message;
    }

    const std::vector<std::string> statements{
        "select date_trunc(:by, at) as t, count(*) as n from visit group by date_trunc(:by, at) order by 1 limit 2",
        "select date_trunc(:by, at) as t, count(*) as n from visit group by date_trunc(:by, at) having date_trunc(:by, at) >"
        " '2026-01-02' order by date_trunc(:by, at)",
        "select distinct date_trunc(:by, at) as t from visit order by date_trunc(:by, at) limit 1",
        "select distinct on (date_trunc(:by, at)) id from visit order by date_trunc(:by, at), id limit 2",
        "select date_trunc(:by, at) as t, count(*) as n from visit where :n is null or day = :n or name = :n or at < :d"
        " group by date_trunc(:by, at) order by 1",
        "select name || :n as x, count(*) as n from visit where day > :n group by name || :n order by 1",
        "select name || :n as x, day > :n as y, count(*) as n from visit where id < 3 group by name || :n, day > :n order "
        "by 1",
        "select name from visit where (:n is null or day = :n) and (:n = 'x' or name <> :n)",
    };
    std::vector<StatementId> ids;
    std::vector<StatementId> on_primary;
};

TEST_F(SharedParameters, AreOneWherePostgresWantsOne) {
    std::vector<StatementSpec> specs;
    for (const auto& statement : statements) specs.push_back(made_of(statement));
    for (const auto& problem : check_statements(primary, specs))
        ADD_FAILURE() << statements[problem.index] << problem.message;
    const std::vector<std::string> answers{
        R"([{"t":"2026-01-01T00:00:00","n":23}, )"
        "\n"
        R"( {"t":"2026-01-02T00:00:00","n":24}])",
        R"([{"t":"2026-01-03T00:00:00","n":1}])",
        R"([{"t":"2026-01-01T00:00:00"}])",
        R"([{"id":1}, )"
        "\n"
        R"( {"id":24}])",
        R"([{"t":"2026-01-01T00:00:00","n":23}])",
        R"([{"x":"n02026-01-02","n":24}, )"
        "\n"
        R"( {"x":"n12026-01-02","n":23}])",
        R"([{"x":"n02026-01-02","y":true,"n":1}, )"
        "\n"
        R"( {"x":"n12026-01-02","y":false,"n":1}])",
        R"([{"name":"n1"}])",
    };
    for (std::size_t i = 0; i < statements.size(); ++i) {
        for (const auto& id : {ids[i], on_primary[i]}) {
            EXPECT_EQ(json(id, true), answers[i]) << statements[i];
            EXPECT_EQ(json(id, false), answers[i]) << statements[i];
            EXPECT_EQ(json(id, true), answers[i]) << "again: " << statements[i];
        }
    }
}

// What is no matter of parameters is told as it is.
TEST_F(SharedParameters, MendNothingElse) {
    const std::vector<StatementSpec> specs{
        made_of("select name || :n as t, :n::text as u from visit group by name || :d"),
        made_of("select distinct name || :n as t from visit order by name || :d, :n::date"),
    };
    const auto problems = check_statements(primary, specs);
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_THAT(problems[0].message, HasSubstr("must appear in the GROUP BY clause"));
    EXPECT_EQ(problems[0].offset, specs[0].sql.find("name"));
    EXPECT_THAT(problems[1].message, HasSubstr("ORDER BY expressions must appear in select list"));
}

}  // namespace sluice::test
