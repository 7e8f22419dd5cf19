#include "postgres/prepared_texts.hpp"

namespace sluice::postgres {
namespace {

constexpr std::string_view there_already = "42P05";
constexpr std::string_view not_there = "26000";
constexpr std::string_view result_changed = "0A000";  // "cached plan must not change result type"

}  // namespace

bool PreparedTexts::mend(Text& text, const SqlError& error, bool preparing, const Statement& statement, bool may_repeat) {
    const auto& state = error.sqlstate();
    if (preparing) {
        const bool there = state == there_already;  // or, with 26000, not there: the server and we disagree
        text.state = there ? State::outdated : State::no;
        return learn_hint(error, statement, text.hints) || ((there || state == not_there) && may_repeat);
    }
    if (state != result_changed && state != not_there) return false;
    // Right again once prepared anew. Not its own failure if it relied on another read of the batch to prepare it, whose
    // text was refused for now.
    const bool others = state == not_there && text.state == State::no;
    text.state = state == result_changed ? State::outdated : State::no;
    return others || may_repeat;
}

void PreparedTexts::note(Text& text, const SqlError& error, bool preparing) {
    const auto& state = error.sqlstate();
    if (state == there_already || state == result_changed) {
        text.state = State::outdated;
    } else if (state == not_there) {
        text.state = State::no;
    } else if (preparing) {
        text.state = judge(state) == Verdict::timed_out ? State::no : State::refused;
    }
}

}  // namespace sluice::postgres
