#include "sql/scanner.hpp"

#include <gmock/gmock.h>

#include <random>

namespace sluice::postgres {
namespace {

using ::testing::ElementsAre;

struct Case {
    std::string sql;
    std::string text;
    std::vector<std::string> names;
};

void expect_scans(const std::vector<Case>& cases) {
    for (const auto& c : cases) {
        const auto scanned = sql::scan_sql(c.sql);
        ASSERT_TRUE(scanned.has_value()) << c.sql << ": " << scanned.error().message;
        EXPECT_EQ(scanned->text, c.text);
        EXPECT_EQ(scanned->occurrences, c.names) << c.sql;
    }
}

}  // namespace

TEST(SqlScanner, NumbersEveryOccurrenceOfItsOwn) {
    const auto scanned = sql::scan_sql("select :a, :b + :a where x = :c_1");
    ASSERT_TRUE(scanned.has_value());
    EXPECT_EQ(scanned->text, "select $1, $2 + $3 where x = $4");
    EXPECT_THAT(scanned->occurrences, ElementsAre("a", "b", "a", "c_1"));
    EXPECT_THAT(scanned->offsets, ElementsAre(7u, 11u, 16u, 29u));
}

TEST(SqlScanner, LeavesWhatIsNoParameter) {
    expect_scans({
        {"select ':no', 'it''s :no', :yes", "select ':no', 'it''s :no', $1", {"yes"}},
        {R"(select E'\':no', e'\\', :yes)", R"(select E'\':no', e'\\', $1)", {"yes"}},
        {"select E'a'\n  'b\\':no', :yes", "select E'a'\n  'b\\':no', $1", {"yes"}},
        {R"(select 'back\', :yes)", R"(select 'back\', $1)", {"yes"}},
        {R"(select U&'\0061:no', x'1f', b'01', :yes)", R"(select U&'\0061:no', x'1f', b'01', $1)", {"yes"}},
        {R"(select "a:no", "b"":no", :yes)", R"(select "a:no", "b"":no", $1)", {"yes"}},
        {"select 1 -- :no 'x\n, :yes", "select 1 -- :no 'x\n, $1", {"yes"}},
        {"select /* :no /* :no */ ' */ :yes", "select /* :no /* :no */ ' */ $1", {"yes"}},
        {"select $$ :no $$, $q$ $$ :no $q$, :yes", "select $$ :no $$, $q$ $$ :no $q$, $1", {"yes"}},
        {"select a$b$c, :yes", "select a$b$c, $1", {"yes"}},
        {"select x::text, :yes::int, f(y := :z)", "select x::text, $1::int, f(y := $2)", {"yes", "z"}},
        {"select :1, a : b, ':'", "select :1, a : b, ':'", {}},
        {"select \xc3\xa9:yes", "select \xc3\xa9$1", {"yes"}},
    });
}

TEST(SqlScanner, TellsArraySlicesFromParameters) {
    expect_scans({
        {"select a[1:2]", "select a[1:2]", {}},
        {"select a[1:n], a[i:j], a[f(x):y], a[b[1]:c]", "select a[1:n], a[i:j], a[f(x):y], a[b[1]:c]", {}},
        {"select a[:n]", "select a[$1]", {"n"}},
        {"select a[1 : :n]", "select a[1 : $1]", {"n"}},
        {"select array[:a, :b]", "select array[$1, $2]", {"a", "b"}},
        {"select array[x] || f(y):z", "select array[x] || f(y)$1", {"z"}},
        {"select 1 limit:n", "select 1 limit$1", {"n"}},
    });
}

TEST(SqlScanner, NamesReachIntoBodyAndHeader) {
    expect_scans({
        {"select :body.a, :body.a_1.b::int", "select $1, $2::int", {"body.a", "body.a_1.b"}},
        {R"(select :body."a ""b".c)", "select $1", {R"(body."a ""b".c)"}},
        {"select :body, :bodys.x, :body.1", "select $1, $2.x, $3.1", {"body", "bodys", "body"}},
        {"select :header.x-tenant - 1", "select $1 - 1", {"header.x-tenant"}},
        {"select :header.x-tenant--1\n", "select $1--1", {"header.x-tenant"}},
        {"select :header.x-:header.y, :header", "select $1-$2, $3", {"header.x", "header.y", "header"}},
    });
    EXPECT_FALSE(sql::scan_sql(R"(select :body."a)").has_value());
}

TEST(SqlScanner, DropsTheTrailingSemicolonAndSpace) {
    expect_scans({
        {"  select 1 ;  \n", "select 1", {}},
        {"select 1;; -- done;", "select 1", {}},
        {"select ';' /* ; */;", "select ';' /* ; */", {}},
        {"select 1 -- why", "select 1 -- why", {}},
    });
}

TEST(SqlScanner, RefusesWithThePlace) {
    struct Refusal {
        std::string sql;
        std::string message;
        std::size_t offset;
    };
    const std::vector<Refusal> cases{
        {"select 1; select 2", "one statement only", 8},
        {"select $1", "use :name", 7},
        {"select 'abc", "the string is never closed", 7},
        {"select E'abc\\'", "the string is never closed", 8},
        {"select \"abc", "the quoted identifier is never closed", 7},
        {"select /* /* */", "the comment is never closed", 7},
        {"select $x$ abc $y$", "the dollar quote $x$ is never closed", 7},
        {"", "the statement is empty", 0},
        {" -- only this", "the statement is empty", 0},
        {";", "the statement is empty", 0},
        {std::string{"select '\0'", 10}, "NUL", 8},
    };
    for (const auto& c : cases) {
        const auto scanned = sql::scan_sql(c.sql);
        ASSERT_TRUE(scanned.has_error()) << c.sql;
        EXPECT_THAT(scanned.error().message, ::testing::HasSubstr(c.message)) << c.sql;
        EXPECT_EQ(scanned.error().offset, c.offset) << c.sql;
    }
}

TEST(SqlScanner, ValueThrowsWhatIsWrong) { EXPECT_THROW(sql::scan_sql("select '").value(), std::invalid_argument); }

// Whatever comes, the scanner answers; and putting the names back in the place of the numbers gives the source again.
TEST(SqlScanner, KeepsEveryByteOfRandomText) {
    const std::vector<std::string> pieces{"'", "''", "E'",   "\\",   "\"", "--",  "\n",     "/*", "*/",  "$$", "$t$", "$",
                                          ":", "::", ":=",   ":a",   ":b", "[",   "]",      " ",  "1",   "x",  "(",   ")",
                                          ";", "$1", "\xc3", "\xa9", "e",  "U&'", "select", ",",  "1:n", "\r"};
    std::mt19937 random{20240501};
    std::size_t accepted = 0;
    for (int round = 0; round < 50'000; ++round) {
        std::string sql;
        for (auto n = random() % 16; n > 0; --n) sql += pieces[random() % pieces.size()];
        const auto scanned = sql::scan_sql(sql);
        sql::first_keyword(sql);
        if (!scanned) {
            EXPECT_LE(scanned.error().offset, sql.size());
            continue;
        }
        ++accepted;
        ASSERT_EQ(scanned->occurrences.size(), scanned->offsets.size());
        const auto begin = sql.find_first_not_of(" \n\r\t");
        std::string expected;
        std::size_t from = begin;
        for (std::size_t k = 0; k < scanned->offsets.size(); ++k) {
            ASSERT_EQ(sql.substr(scanned->offsets[k], scanned->occurrences[k].size() + 1), ":" + scanned->occurrences[k]);
            expected += sql.substr(from, scanned->offsets[k] - from) + "$" + std::to_string(k + 1);
            from = scanned->offsets[k] + scanned->occurrences[k].size() + 1;
        }
        expected += sql.substr(from);
        ASSERT_EQ(expected.substr(0, scanned->text.size()), scanned->text) << sql;
        EXPECT_EQ(expected.find_first_not_of(" \n\r\t", scanned->text.size()) == std::string::npos ||
                      expected.find(';', scanned->text.size()) != std::string::npos,
                  true)
            << sql;
    }
    EXPECT_GT(accepted, 1000u);
}

TEST(SqlScanner, FindsTheFirstKeyword) {
    EXPECT_EQ(sql::first_keyword("  -- hello\n /* x */ SELECT 1"), "select");
    EXPECT_EQ(sql::first_keyword("((select 1) union select 2)"), "select");
    EXPECT_EQ(sql::first_keyword("with x as (select 1) select"), "with");
    EXPECT_EQ(sql::first_keyword("/* open"), "");
    EXPECT_EQ(sql::first_keyword(""), "");
}

TEST(CalledNames, AreThoseBeforeAParenthesis) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(sql::called_names("select lower(:a), now ( ), x.y(1), (2), a from b"), (Names{"lower", "now", "y"}));
    EXPECT_EQ(sql::called_names("select Random(), \"My f\"(), größe(1), f1$\n(2)"),
              (Names{"Random", "f", "f1$", "größe", "random"}));
    EXPECT_EQ(sql::called_names("select random, system from t"), Names{});
    EXPECT_EQ(sql::called_names(""), Names{});
}

TEST(MentionedNames, AreFoldedAndNothingOfStringsCommentsAndParameters) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(
        sql::mentioned_names("SELECT t.\"My \"\"Column\", :value::Mood FROM App.T t -- of X\n WHERE 'Y' <> E'\\'Z' /* W */"),
        (Names{"My \"Column", "app", "from", "mood", "select", "t", "where"}));
    EXPECT_EQ(sql::mentioned_names("select GRÖSSE(f1$) from größe"), (Names{"f1$", "from", "grÖsse", "größe", "select"}));
    EXPECT_EQ(sql::mentioned_names("select $tag$ from t $tag$, 1"), (Names{"select"}));
    EXPECT_EQ(sql::mentioned_names("select 'never closed"), Names{});
}

TEST(SqlTokens, AreWordsSignsAndWhatStandsForTheRest) {
    std::string seen;
    for (const auto& token : sql::sql_tokens("Select \"a b\", 'c d', :e -- f\n, 1.5 * $$g$$"))
        seen += token.text + '@' + std::to_string(token.offset) + ' ';
    EXPECT_EQ(seen, "select@0 \"@7 ,@12 '@14 ,@19 :@21 ,@29 0@31 *@35 $@37 ");
}

}  // namespace sluice::postgres
