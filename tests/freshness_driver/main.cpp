// The server with one rule of its cache's coherence taken out, to see that the freshness test would notice.
//
//   SLUICE_PLANTED=label|poll_age|late_polls|running_writers|running_label|insert_lsn|incarnation|table_tag freshness_driver
//   FILE
//
// The linker sends the library's calls of some functions here (--wrap), so that the code in production knows nothing of it.
#include "policy/freshness.hpp"
#include "postgres/schema/feed_query.hpp"
#include "postgres/schema/known_primary.hpp"
#include "sluice/server.hpp"

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <limits>
#include <span>
#include <stdexcept>
#include <string_view>

namespace sluice::test {
namespace {

enum class Planted {
    label,            // what a standby reads is taken to contain the newest poll, however far the standby has replayed
    poll_age,         // the last answered poll is recent enough, whenever it was sent
    late_polls,       // a poll that was never sent, as the process stood still, is one that failed: the longer bound holds
    running_writers,  // a poll brings what began after the last one, not what became visible since
    running_label,    // what ran when a label was taken counts as contained
    insert_lsn,       // a poll says how far the log is written, not where it ends
    incarnation,      // a history goes on when the server crashes without a restart of its own
    table_tag,        // nobody hears of a table's own tag
};

Planted planted() {
    static const Planted read = [] {
        const char* given = std::getenv("SLUICE_PLANTED");
        const std::string_view name = given ? given : "";
        if (name == "label") return Planted::label;
        if (name == "poll_age") return Planted::poll_age;
        if (name == "late_polls") return Planted::late_polls;
        if (name == "running_writers") return Planted::running_writers;
        if (name == "running_label") return Planted::running_label;
        if (name == "insert_lsn") return Planted::insert_lsn;
        if (name == "incarnation") return Planted::incarnation;
        if (name == "table_tag") return Planted::table_tag;
        throw std::invalid_argument{"SLUICE_PLANTED is no mistake known here"};
    }();
    return read;
}

}  // namespace

// The linker's names.
using Relevant = std::span<const policy::TagHistory* const>;
using KnownPrimary = postgres::KnownPrimary;
policy::Freshness real_judge_freshness(TimePoint, const policy::CachedValue&, const policy::Coherence&, Relevant) noexcept
    asm("__real_" SLUICE_JUDGE_FRESHNESS);
policy::Freshness judge_freshness(TimePoint, const policy::CachedValue&, const policy::Coherence&, Relevant) noexcept
    asm("__wrap_" SLUICE_JUDGE_FRESHNESS);
postgres::Poll real_poll_changes(postgres::Connection&, postgres::FeedPosition&,
                                 TimePoint) asm("__real_" SLUICE_POLL_CHANGES);
postgres::Poll poll_changes(postgres::Connection&, postgres::FeedPosition&, TimePoint) asm("__wrap_" SLUICE_POLL_CHANGES);
std::optional<Label> real_label_at(const KnownPrimary*, std::uint64_t,
                                   const postgres::ServerIdentity&) asm("__real_" SLUICE_LABEL_AT);
std::optional<Label> label_at(const KnownPrimary*, std::uint64_t,
                              const postgres::ServerIdentity&) asm("__wrap_" SLUICE_LABEL_AT);
HistoryId real_history_of(const postgres::ServerIdentity&, std::uint64_t) noexcept asm("__real_" SLUICE_HISTORY_OF);
HistoryId history_of(const postgres::ServerIdentity&, std::uint64_t) noexcept asm("__wrap_" SLUICE_HISTORY_OF);

policy::Freshness judge_freshness(TimePoint now, const policy::CachedValue& value, const policy::Coherence& coherence,
                                  Relevant relevant) noexcept {
    auto state = coherence;
    if (planted() == Planted::poll_age) state.bound = std::chrono::hours{1};
    if (planted() == Planted::late_polls) state.polls_fail = true;
    if (planted() != Planted::running_label || value.label == nullptr)
        return real_judge_freshness(now, value, state, relevant);
    const Snapshot label{value.label->xmax, {}};
    auto without_running = value;
    without_running.label = &label;
    return real_judge_freshness(now, without_running, state, relevant);
}

postgres::Poll poll_changes(postgres::Connection& connection, postgres::FeedPosition& last, TimePoint limit) {
    const auto from = last.snapshot.xmax;
    auto poll = real_poll_changes(connection, last, limit);
    std::erase_if(poll.invalidations, [&](const auto& invalidation) {
        if (planted() == Planted::running_writers) return !poll.first && invalidation.xid < from;
        return planted() == Planted::table_tag && invalidation.name.starts_with("table:");
    });
    if (planted() == Planted::insert_lsn) poll.insert_lsn = poll.lsn;
    return poll;
}

std::optional<Label> label_at(const KnownPrimary* known, std::uint64_t replayed, const postgres::ServerIdentity& standby) {
    if (planted() == Planted::label) replayed = std::numeric_limits<std::uint64_t>::max();
    return real_label_at(known, replayed, standby);
}

HistoryId history_of(const postgres::ServerIdentity& identity, std::uint64_t token) noexcept {
    return real_history_of(identity, planted() == Planted::incarnation ? 1 : token);
}

}  // namespace sluice::test

int main(int count, char** arguments) try {
    if (count != 2) throw std::invalid_argument{"usage: freshness_driver FILE"};
    static_cast<void>(sluice::test::planted());
    return sluice::Server{sluice::load_settings(arguments[1])}.run();
} catch (const std::exception& error) {
    std::cerr << "freshness_driver: " << error.what() << '\n';
    return 1;
}
