#include "postgres/workers/condition_check.hpp"
#include "postgres/workers/invalidation_rows.hpp"
#include "postgres/workers/once_only.hpp"
#include "postgres/workers/write_participant.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::postgres {

using Kind = DatabaseError::Kind;

namespace {

/// Notes what it is asked, and ends the write in one of its parts.
class Noting final : public WriteParticipant {
public:
    Noting(std::string name, std::string ends_in, std::vector<std::string>& notes)
        : name_{std::move(name)}, ends_in_{std::move(ends_in)}, notes_{notes} {}

    std::optional<Ended> prepare(TimePoint) override { return note("prepare"); }
    std::optional<Ended> before(TimePoint) override { return note("before"); }
    void after_statement(Written& written, const Rows& rows, TimePoint) override {
        note("after_statement");
        written.result.json += name_ + rows.at(0).at(0).value();
    }
    std::optional<Ended> before_commit(Written&, TimePoint) override { return note("before_commit"); }

private:
    std::optional<Ended> note(const std::string& part) {
        notes_.push_back(name_ + ' ' + part);
        if (part != ends_in_) return std::nullopt;
        return Ended{DatabaseError{Kind::in_flight, {}, name_}};
    }

    const std::string name_, ends_in_;
    std::vector<std::string>& notes_;
};

}  // namespace

TEST(WriteParticipants, AreAskedInTheirOrderUntilOneEndsTheWrite) {
    struct Case {
        std::string ends_in;
        std::vector<std::string> asked;
    };
    const std::vector<Case> cases{
        {"prepare", {"a prepare", "b prepare"}},
        {"before", {"a prepare", "b prepare", "c prepare", "a before", "b before"}},
        {"before_commit",
         {"a prepare", "b prepare", "c prepare", "a before", "b before", "c before", "a after_statement",
          "b after_statement", "c after_statement", "a before_commit", "b before_commit"}},
        {"nothing",
         {"a prepare", "b prepare", "c prepare", "a before", "b before", "c before", "a after_statement",
          "b after_statement", "c after_statement", "a before_commit", "b before_commit", "c before_commit"}},
    };
    for (const auto& one : cases) {
        std::vector<std::string> notes;
        WriteParticipants participants;
        for (const std::string name : {"a", "b", "c"})
            participants.add(std::make_unique<Noting>(name, name == "b" ? one.ends_in : "", notes));
        Written written;
        auto ended = participants.prepare({});
        if (!ended) ended = participants.before({});
        if (!ended) {
            participants.after_statement(written, {{"1"}}, {});
            EXPECT_EQ(written.result.json, "a1b1c1") << one.ends_in;
            ended = participants.before_commit(written, {});
        }
        EXPECT_EQ(notes, one.asked) << one.ends_in;
        ASSERT_EQ(ended.has_value(), one.ends_in != "nothing");
        if (ended) EXPECT_EQ(ended->refused->message, "b");
    }
}

TEST(WriteParticipants, WithNoneNothingEndsTheWrite) {
    WriteParticipants none;
    Written written;
    EXPECT_FALSE(none.prepare({}) || none.before({}) || none.before_commit(written, {}));
}

TEST(OnceOnly, WhatIsFoundUnderAKeyEndsTheWriteUnlessItIsFresh) {
    using What = KeptAnswers::Found::What;
    struct Case {
        What what;
        std::optional<Kind> refused;
        bool ends;
    };
    const std::vector<Case> cases{{What::fresh, {}, false},
                                  {What::kept, {}, true},
                                  {What::in_flight, Kind::in_flight, true},
                                  {What::other_payload, Kind::other_payload, true},
                                  {What::no_table, Kind::keys_not_kept, true}};
    for (const auto& one : cases) {
        const auto ended = ended_by({one.what, {201, "made"}});
        ASSERT_EQ(ended.has_value(), one.ends) << static_cast<int>(one.what);
        if (!ended) continue;
        ASSERT_EQ(ended->refused.has_value(), one.refused.has_value()) << static_cast<int>(one.what);
        if (ended->refused) EXPECT_EQ(ended->refused->kind, *one.refused);
        EXPECT_EQ(ended->kept.has_value(), one.what == What::kept);
        EXPECT_EQ(ended->tells_position, one.what == What::kept) << "nothing else was done that it could cover";
        if (ended->kept) EXPECT_EQ(ended->kept->status, 201U);
    }
}

TEST(ConditionCheck, OneThatDoesNotHoldEndsTheWrite) {
    for (const bool holds : {true, false}) {
        std::string seen;
        Condition condition;
        condition.holds = [&](const QueryResult& current) {
            seen += "holds " + current.json;
            return holds;
        };
        const auto read = [&](TimePoint) {
            seen += "read, ";
            QueryResult result;
            result.json = "7";
            return result;
        };
        ConditionCheck check{condition, {[&](TimePoint) { seen += "prepared, "; }, read}};
        EXPECT_FALSE(check.prepare({}));
        const auto ended = check.before({});
        EXPECT_EQ(seen, "prepared, read, holds 7");
        ASSERT_EQ(ended.has_value(), !holds);
        if (!ended) continue;
        EXPECT_EQ(ended->refused->kind, Kind::precondition_failed);
        EXPECT_TRUE(ended->tells_position) << "what made it fail may be newer than what the client has read";
    }
}

TEST(InvalidationRows, TagsAreMadeOfTheServersValuesOrOfTheFirstRow) {
    using Shape = ResultShape;
    struct Case {
        std::string name;
        Shape shape;
        std::string json;
        Rows rows;
        std::string made_of;
    };
    const std::vector<Case> cases{
        {"no result", Shape::none, "", {}, ""},
        {"no result, but values", Shape::none, "", {{std::nullopt, R"(["1"])"}}, R"(["1"])"},
        {"one row", Shape::one, R"({"id":1})", {{std::nullopt}}, R"({"id":1})"},
        {"one row, and values", Shape::one, R"({"id":1})", {{std::nullopt, R"(["1"])"}}, R"(["1"])"},
        {"one row, and no value", Shape::one, R"({"id":1})", {{std::nullopt, std::nullopt}}, R"({"id":1})"},
        {"no row", Shape::one, "", {}, ""},
        {"many", Shape::many, "[]", {{std::nullopt, R"({"id":1})"}}, R"({"id":1})"},
        {"many, and values", Shape::many, "[]", {{std::nullopt, R"({"id":1})", R"(["1"])"}}, R"(["1"])"},
        {"many, and no value", Shape::many, "[]", {{std::nullopt, R"({"id":1})", std::nullopt}}, R"({"id":1})"},
        {"many, of which there is none", Shape::many, "[]", {{std::nullopt, std::nullopt}}, ""},
    };
    for (const auto& one : cases) {
        QueryResult result;
        result.json = one.json;
        EXPECT_EQ(first_row_for_tags(one.shape, result, one.rows), one.made_of) << one.name;
    }
}

}  // namespace sluice::postgres
