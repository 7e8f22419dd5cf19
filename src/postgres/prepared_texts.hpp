// What is prepared on one connection, and what the server's errors say of it. Pure.
#pragma once

#include "postgres/keyset.hpp"
#include "postgres/read_statement.hpp"

#include <map>
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
        Statement::Hints hints{};                ///< of one call's text
        Types types = Types::unknown;            ///< of a collapsed text
        std::vector<std::string> array_types{};  ///< once they are known
    };

    Text& of_call(StatementId id, PageStep step) { return texts_[{id, step, false}]; }
    Text& collapsed(StatementId id) { return texts_[{id, PageStep::first, true}]; }

    /// One call's text was refused, or could not be run: whether that may be other when the read is sent again.
    /// `may_repeat`: not if it is to blame itself once more.
    static bool mend(Text& text, const SqlError& error, bool preparing, const Statement& statement, bool may_repeat);
    /// The same of a collapsed text, whose calls are sent again one by one.
    static void note(Text& text, const SqlError& error, bool preparing);

private:
    std::map<std::tuple<StatementId, PageStep, bool>, Text> texts_;
};

}  // namespace sluice::postgres
