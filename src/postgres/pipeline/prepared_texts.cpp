#include "postgres/pipeline/prepared_texts.hpp"

#include "postgres/pipeline/read_encoder.hpp"

#include <algorithm>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr std::string_view there_already = "42P05";
constexpr std::string_view not_there = "26000";
constexpr unsigned most_bad_runs = 4;
constexpr Duration worth_a_look = std::chrono::milliseconds{1};

void count_bad_run(PreparedTexts::Text& text) {
    if (++text.bad_runs >= most_bad_runs) text.state = PreparedTexts::State::refused;
}

}  // namespace

void PreparedTexts::outdate() {
    for (auto& [key, text] : texts_) {
        const bool there = text.state == State::yes || text.state == State::outdated;
        text = {there ? State::outdated : State::no, std::move(text.name)};
    }
}

std::vector<std::string> PreparedTexts::keep(std::span<const std::uint64_t> ids) {
    std::vector<std::string> left;
    std::erase_if(texts_, [&](auto& one) {
        auto& [key, text] = one;
        if (std::binary_search(ids.begin(), ids.end(), std::get<0>(key))) return false;
        const bool there = text.state == State::yes || text.state == State::outdated;
        if (there) left.push_back(std::move(text.name));
        return true;
    });
    return left;
}

bool PreparedTexts::mend(Text& text, const SqlError& error, bool preparing, const sql::Statement& statement,
                         sql::PageStep step, bool may_repeat) {
    const auto& state = error.sqlstate();
    if (preparing) {
        const bool there = state == there_already;  // or, with 26000, not there: the server and we disagree
        text.state = there ? State::outdated : State::no;
        if ((there || state == not_there) && may_repeat) return true;
        return learn_hint(error, statement.rendered(text.hints, step, cut_on_loop(statement)), statement, text.hints);
    }
    if (!outdates_text(state)) return false;
    // Not its own failure if it relied on another read of the batch to prepare it, whose text was refused for now.
    const bool others = state == not_there && text.state == State::no;
    text.state = state == not_there ? State::no : State::outdated;
    return others || may_repeat;
}

void PreparedTexts::note(Text& text, const SqlError& error, bool preparing) {
    const auto& state = error.sqlstate();
    if (state == there_already) {
        text.state = State::outdated;
    } else if (state == not_there) {
        text.state = State::no;
    } else if (!preparing && outdates_text(state)) {
        text.state = State::outdated;
        text.types = Types::unknown;
    } else if (preparing) {
        text.state = passes(error) ? State::no : State::refused;
    } else if (judge(state) == Verdict::timed_out) {
        count_bad_run(text);
    }
}

void PreparedTexts::ran(Text& text, Duration share, Duration alone) {
    if (share > worth_a_look && share > 2 * alone) return count_bad_run(text);
    text.bad_runs = 0;
}

bool PreparedTexts::passes(const SqlError& error) {
    const auto verdict = judge(error.sqlstate());
    return verdict == Verdict::timed_out || verdict == Verdict::retry;
}

}  // namespace sluice::postgres
