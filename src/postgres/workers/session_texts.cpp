// The half of Session that knows which texts are prepared, and when they are outdated.
#include "postgres/connection/read_statement.hpp"
#include "postgres/workers/session.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::postgres {

namespace {

constexpr std::uint64_t no_generation = ~std::uint64_t{0};

sql::Rendered rendered_as(const sql::Statement& statement, const sql::Statement::Hints& hints, sql::PageStep step,
                          bool tagged) {
    return tagged ? statement.tagged(hints) : statement.rendered(hints, step);
}

}  // namespace

Session::Texts::iterator Session::prepared(TextKey key, const sql::Statement& statement, TimePoint limit) {
    const auto now = generation();
    if (const auto found = texts_.find(key); found != texts_.end()) {
        if (found->second.generation == now) return found;
        forget(found);
    }
    sql::Statement::Hints hints;
    for (;;) {
        const auto rendered = rendered_as(statement, hints, key.step, key.tagged);
        try {
            auto name = prepared_name(key.id, rendered.text);
            connection_.prepare(name, rendered.text, limit);
            return texts_.insert_or_assign(key, Prepared{std::move(name), now, std::move(hints)}).first;
        } catch (const SqlError& error) {
            if (!learn_hint(error, rendered, statement, hints)) throw;
        }
    }
}

// Until the schema `sluice` has the functions, tags are made of the row's JSON.
Session::Texts::iterator Session::prepared_write(std::uint64_t id, const sql::Statement& statement, bool tagged,
                                                 TimePoint limit) {
    const auto now = Clock::now();
    const auto refused = tags_refused_.find(id);
    if (tagged && (refused == tags_refused_.end() || now - refused->second >= look_again)) {
        try {
            return prepared({id, sql::PageStep::first, true}, statement, limit);
        } catch (const SqlError&) {
            tags_refused_[id] = now;
        }
    }
    return prepared({id}, statement, limit);
}

// What goes wrong is told by `ran_`.
Rows Session::run_in_write(Texts::iterator text, const Row& values, TimePoint limit) {
    ran_ = text->first;
    try {
        return connection_.execute_prepared(text->second.name, values, limit);
    } catch (const SqlError& error) {
        const bool missing = judge(error.sqlstate()) == Verdict::no_bookkeeping || error.sqlstate() == "42883";
        if (!ran_.tagged || !missing) throw;
        // Perhaps the functions for tags went away. Run again it goes through without them, or says what else is missing.
        tags_refused_[ran_.id] = Clock::now();
        text->second.generation = no_generation;  // not forgotten within a transaction that has failed
        throw SqlError{error.what(), "40001"};
    }
}

void Session::forget(Texts::iterator text) {
    connection_.forget(text->second.name);
    texts_.erase(text);
}

// Not within a transaction.
void Session::forget_unknown() {
    if (settings_.statements == nullptr) return;
    const auto changes = settings_.statements->changes();
    if (std::exchange(statements_seen_, changes) == changes) return;
    const auto known = settings_.statements->numbers();
    const auto gone = [&](std::uint64_t id) { return !std::binary_search(known.begin(), known.end(), id); };
    for (auto text = texts_.begin(); text != texts_.end();) {
        const auto next = std::next(text);
        if (gone(text->first.id)) forget(text);
        text = next;
    }
    std::erase_if(tags_refused_, [&](const auto& refused) { return gone(refused.first); });
}

// Not in a transaction that has failed.
bool Session::is_outdated(std::uint64_t of, TimePoint limit) {
    if (settings_.catalog == nullptr || of != generation()) return of != generation();
    const auto question = settings_.catalog->question();
    if (question.text.empty()) return false;
    settings_.catalog->answered(question, connection_.execute(question.text, question.values, limit));
    return of != generation();
}

// Behind a pooler a text is sent with its values, and not before, so it is refused then.
bool Session::learn(Texts::iterator text, const sql::Statement& statement, const SqlError& error) {
    if (!connection_.pooled()) return false;
    const auto [id, step, tagged] = text->first;
    const auto sent = rendered_as(statement, text->second.hints, step, tagged);
    if (!learn_hint(error, sent, statement, text->second.hints)) return false;
    const auto rendered = rendered_as(statement, text->second.hints, step, tagged);
    connection_.forget(text->second.name);
    text->second.name = prepared_name(id, rendered.text);
    connection_.prepare(text->second.name, rendered.text, TimePoint::max());
    return true;
}

// Whether the text may run when it is prepared anew.
bool Session::may_do_better(Texts::iterator text, const SqlError& error, TimePoint limit) {
    if (outdates_text(error.sqlstate())) {
        forget(text);
        return true;
    }
    if (!may_come_of_outdated_types(error.sqlstate())) return false;
    try {
        return is_outdated(text->second.generation, limit);
    } catch (const SqlError&) {
        return false;
    }
}

}  // namespace sluice::postgres
