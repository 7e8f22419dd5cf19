// What is prepared on one connection, and what the server's errors say of it. Pure.
#pragma once

#include "postgres/connection/read_statement.hpp"
#include "postgres/pipeline/collapsed_statement.hpp"
#include "sluice/deadline.hpp"
#include "sql/keyset.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace sluice::postgres {

class PreparedTexts {
public:
    enum class State {
        no,
        yes,
        outdated,  // the server has it, but for tables that have changed since
        refused,   // the server cannot prepare it; of a collapsed text, which nobody needs
    };
    /// What a collapsed text needs to know of the statement.
    enum class Types {
        unknown,
        asked,
        known,
        unfit,  // its calls cannot be collapsed
    };
    struct Text {
        State state = State::no;
        std::string name{};             ///< on the connection, once it was prepared
        sql::Statement::Hints hints{};  ///< of one call's text
        Types types = Types::unknown;   ///< of a collapsed text
        ArrayTypes array_types{};       ///< once they are known
        unsigned bad_runs = 0;          ///< of a collapsed text, in a row
    };

    /// `id`: the statement's number.
    Text& of_call(std::uint64_t id, sql::PageStep step) { return texts_[{id, step, false}]; }
    Text& collapsed(std::uint64_t id) { return texts_[{id, sql::PageStep::first, true}]; }

    /// Forgets the texts of all statements but these, which are sorted; returns the names that the server still has.
    std::vector<std::string> keep(std::span<const std::uint64_t> ids);
    std::size_t size() const noexcept { return texts_.size(); }

    /// The catalog has changed: whatever was found out is to be found out anew.
    void outdate();

    /// One call's text was refused, or could not be run: whether that may be other when the read is sent again.
    /// `step`: of its page. `may_repeat`: not if it is to blame itself once more.
    static bool mend(Text& text, const SqlError& error, bool preparing, const sql::Statement& statement, sql::PageStep step,
                     bool may_repeat);
    /// The same of a collapsed text, whose calls are sent again one by one.
    static void note(Text& text, const SqlError& error, bool preparing);
    /// A collapsed text was run and took so long for each call, which alone takes `alone` on the mean. One that is the worse
    /// way time after time is given up: its plan, made without the values, is a bad one.
    static void ran(Text& text, Duration share, Duration alone);

    /// Whether it says nothing of the text: a cancel, or a conflict with what a standby replays.
    static bool passes(const SqlError& error);

private:
    std::map<std::tuple<std::uint64_t, sql::PageStep, bool>, Text> texts_;
};

}  // namespace sluice::postgres
