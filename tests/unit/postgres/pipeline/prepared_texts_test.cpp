#include "postgres/pipeline/prepared_texts.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::postgres {
namespace {

using State = PreparedTexts::State;
using Text = PreparedTexts::Text;

SqlError error(const std::string& state, const std::string& message = "no") { return SqlError{message, state}; }

sql::Statement statement() {
    StatementSpec made;
    made.sql = "select :a";
    made.parameters = {"a"};
    made.parameter_types = {ParameterType::integer};
    return sql::Statement{std::move(made)};
}

}  // namespace

TEST(PreparedTexts, ATextThatCannotBePreparedIsTriedAgainOnlyIfThatMayHelp) {
    struct Case {
        std::string state;
        bool may_repeat;
        bool again;
        State then;
    };
    for (const auto& [state, may_repeat, again, then] : std::vector<Case>{
             {"42P05", true, true, State::outdated},
             {"42P05", false, false, State::outdated},
             {"26000", true, true, State::no},
             {"26000", false, false, State::no},
             {"42703", true, false, State::no},
         }) {
        Text text{State::yes};
        EXPECT_EQ(PreparedTexts::mend(text, error(state), true, statement(), sql::PageStep::first, may_repeat), again)
            << state;
        EXPECT_EQ(text.state, then) << state;
    }
}

TEST(PreparedTexts, AHintIsLearntOnce) {
    Text text{State::yes};
    const auto unknown = error("42P18", "could not determine data type of parameter $1");
    EXPECT_TRUE(PreparedTexts::mend(text, unknown, true, statement(), sql::PageStep::first, false));
    EXPECT_EQ(text.hints.declared, std::set<std::size_t>{1});
    EXPECT_FALSE(PreparedTexts::mend(text, unknown, true, statement(), sql::PageStep::first, true));
}

TEST(PreparedTexts, ATextThatCannotBeRunAnyMoreIsPreparedAnew) {
    Text changed{State::yes};
    EXPECT_TRUE(PreparedTexts::mend(changed, error("0A000"), false, statement(), sql::PageStep::first, true));
    EXPECT_EQ(changed.state, State::outdated);
    EXPECT_FALSE(PreparedTexts::mend(changed, error("0A000"), false, statement(), sql::PageStep::first, false));

    Text retyped{State::yes};
    EXPECT_TRUE(PreparedTexts::mend(retyped, error("42883"), false, statement(), sql::PageStep::first, true))
        << "a column has another type";
    EXPECT_EQ(retyped.state, State::outdated);

    Text lost{State::yes};
    EXPECT_FALSE(PreparedTexts::mend(lost, error("26000"), false, statement(), sql::PageStep::first, false));
    EXPECT_EQ(lost.state, State::no);
    EXPECT_TRUE(PreparedTexts::mend(lost, error("26000"), false, statement(), sql::PageStep::first, false))
        << "another was to prepare it";

    Text refused{State::yes};
    EXPECT_FALSE(PreparedTexts::mend(refused, error("22012"), false, statement(), sql::PageStep::first, true));
    EXPECT_EQ(refused.state, State::yes);
}

TEST(PreparedTexts, ACollapsedTextThatCannotBePreparedIsGivenUp) {
    struct Case {
        std::string state;
        bool preparing;
        State then;
    };
    for (const auto& [state, preparing, then] : std::vector<Case>{
             {"42703", true, State::refused},
             {"57014", true, State::no},
             {"40001", true, State::no},
             {"42P05", true, State::outdated},
             {"26000", true, State::no},
             {"26000", false, State::no},
             {"0A000", false, State::outdated},
             {"42883", false, State::outdated},
             {"42883", true, State::refused},
             {"22P02", false, State::yes},
             {"57014", false, State::yes},
         }) {
        Text text{State::yes};
        PreparedTexts::note(text, error(state), preparing);
        EXPECT_EQ(text.state, then) << state << preparing;
    }
}

TEST(PreparedTexts, TypesAreAskedForAnewWhenTheyNoLongerFit) {
    Text text{State::yes};
    text.types = PreparedTexts::Types::known;
    PreparedTexts::note(text, error("22P02"), false);
    EXPECT_EQ(text.types, PreparedTexts::Types::known);
    PreparedTexts::note(text, error("42883"), false);
    EXPECT_EQ(text.types, PreparedTexts::Types::unknown);
}

TEST(PreparedTexts, ACollapsedTextThatIsTheWorseWayTimeAfterTimeIsGivenUp) {
    using namespace std::chrono_literals;
    Text text{State::yes};
    for (int i = 0; i < 3; ++i) PreparedTexts::ran(text, 5ms, 2ms);
    PreparedTexts::ran(text, 4ms, 2ms);
    for (int i = 0; i < 100; ++i) PreparedTexts::ran(text, 900us, 10us);
    for (int i = 0; i < 2; ++i) PreparedTexts::note(text, error("57014"), false);
    PreparedTexts::ran(text, 5ms, 2ms);
    EXPECT_EQ(text.state, State::yes);
    PreparedTexts::note(text, error("22P02"), false);
    EXPECT_EQ(text.state, State::yes) << "a bad value says nothing of that";
    PreparedTexts::ran(text, 5ms, 2ms);
    EXPECT_EQ(text.state, State::refused);
}

TEST(PreparedTexts, WhenTheCatalogHasChangedEverythingIsFoundOutAnew) {
    PreparedTexts texts;
    texts.of_call(1, sql::PageStep::first) = {State::yes, "one", {{1}, {}, {}, {}}};
    texts.of_call(2, sql::PageStep::first) = {State::outdated, "two"};
    texts.of_call(3, sql::PageStep::first) = {};
    texts.collapsed(1) = {State::refused, "all"};
    texts.collapsed(1).types = PreparedTexts::Types::unfit;
    texts.collapsed(2) = {State::yes, "many", {}, PreparedTexts::Types::known, {1007}, 3};
    texts.outdate();
    EXPECT_EQ(texts.of_call(1, sql::PageStep::first).state, State::outdated) << "the server still has it";
    EXPECT_EQ(texts.of_call(1, sql::PageStep::first).name, "one");
    EXPECT_TRUE(texts.of_call(1, sql::PageStep::first).hints.declared.empty());
    EXPECT_EQ(texts.of_call(2, sql::PageStep::first).state, State::outdated);
    EXPECT_EQ(texts.of_call(3, sql::PageStep::first).state, State::no);
    EXPECT_EQ(texts.collapsed(1).state, State::no) << "it may be possible now";
    EXPECT_EQ(texts.collapsed(1).types, PreparedTexts::Types::unknown);
    EXPECT_EQ(texts.collapsed(2).state, State::outdated);
    EXPECT_EQ(texts.collapsed(2).types, PreparedTexts::Types::unknown);
    EXPECT_TRUE(texts.collapsed(2).array_types.empty());
    EXPECT_EQ(texts.collapsed(2).bad_runs, 0U);
}

TEST(PreparedTexts, KeepsThoseOfEachStatementAndStepApart) {
    PreparedTexts texts;
    texts.of_call(1, sql::PageStep::first).state = State::yes;
    texts.collapsed(2).state = State::refused;
    EXPECT_EQ(texts.of_call(1, sql::PageStep::first).state, State::yes);
    EXPECT_EQ(texts.of_call(1, sql::PageStep::behind).state, State::no);
    EXPECT_EQ(texts.of_call(2, sql::PageStep::first).state, State::no);
    EXPECT_EQ(texts.collapsed(1).state, State::no);
    EXPECT_EQ(texts.collapsed(2).state, State::refused);
}

TEST(PreparedTexts, KeepsThoseOfStatementsThatAreKnown) {
    PreparedTexts texts;
    const auto add = [&](std::uint64_t id, State state, const std::string& name) {
        auto& text = texts.of_call(id, sql::PageStep::first);
        text.state = state;
        text.name = name;
    };
    add(1, State::yes, "s_1");
    add(2, State::yes, "s_2");
    add(3, State::outdated, "s_3");
    add(4, State::no, "s_4");
    add(5, State::refused, "s_5");
    texts.collapsed(2).state = State::yes;
    texts.collapsed(2).name = "s_2c";
    const std::vector<std::uint64_t> known{1, 6};
    auto left = texts.keep(known);
    std::sort(left.begin(), left.end());
    EXPECT_EQ(left, (std::vector<std::string>{"s_2", "s_2c", "s_3"})) << "what the server has";
    EXPECT_EQ(texts.size(), 1u);
    EXPECT_EQ(texts.of_call(1, sql::PageStep::first).name, "s_1");
}

}  // namespace sluice::postgres
