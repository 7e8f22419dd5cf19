// The server with one rule of its cache's coherence taken out, to see that the freshness test would notice.
//
//   SLUICE_PLANTED=label|poll_age|late_polls|running_writers|table_tag freshness_driver FILE
//
// The linker sends the library's calls of two functions here (--wrap), so that the code in production knows nothing of it.
#include "policy/freshness.hpp"
#include "postgres/feed_query.hpp"
#include "sluice/server.hpp"

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace sluice::test {
namespace {

enum class Planted {
    label,            // what was known before a load began counts as contained in its snapshot, however far its server lags
    poll_age,         // the last answered poll is recent enough, whenever it was sent
    late_polls,       // a poll that was never sent, as the process stood still, is one that failed: the longer bound holds
    running_writers,  // a poll brings what began after the last one, not what became visible since
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
        if (name == "table_tag") return Planted::table_tag;
        throw std::invalid_argument{"SLUICE_PLANTED is no mistake known here"};
    }();
    return read;
}

}  // namespace

// The linker's names.
policy::Freshness real_judge_freshness(TimePoint, const policy::CachedValue&, const policy::Coherence&,
                                       std::span<const policy::Invalidation>) noexcept asm("__real_" SLUICE_JUDGE_FRESHNESS);
policy::Freshness judge_freshness(TimePoint, const policy::CachedValue&, const policy::Coherence&,
                                  std::span<const policy::Invalidation>) noexcept asm("__wrap_" SLUICE_JUDGE_FRESHNESS);
postgres::Poll real_poll_changes(postgres::Connection&, postgres::FeedPosition&,
                                 TimePoint) asm("__real_" SLUICE_POLL_CHANGES);
postgres::Poll poll_changes(postgres::Connection&, postgres::FeedPosition&, TimePoint) asm("__wrap_" SLUICE_POLL_CHANGES);

policy::Freshness judge_freshness(TimePoint now, const policy::CachedValue& value, const policy::Coherence& coherence,
                                  std::span<const policy::Invalidation> relevant) noexcept {
    auto state = coherence;
    if (planted() == Planted::poll_age) state.bound = std::chrono::hours{1};
    if (planted() == Planted::late_polls) state.polls_fail = true;
    std::vector<policy::Invalidation> counted{relevant.begin(), relevant.end()};
    if (planted() == Planted::label) {
        std::erase_if(counted, [&](const auto& invalidation) { return invalidation.learned <= value.loaded_at; });
    }
    return real_judge_freshness(now, value, state, counted);
}

postgres::Poll poll_changes(postgres::Connection& connection, postgres::FeedPosition& last, TimePoint limit) {
    const auto from = last.xmax;
    auto poll = real_poll_changes(connection, last, limit);
    std::erase_if(poll.invalidations, [&](const auto& invalidation) {
        if (planted() == Planted::running_writers) return !poll.first && invalidation.xid < from;
        return planted() == Planted::table_tag && invalidation.name.starts_with("table:");
    });
    return poll;
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
