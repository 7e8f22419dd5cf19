#include "app/purges.hpp"

#include "app/tag_purge.hpp"
#include "postgres/connection/errors.hpp"
#include "postgres/connection/parameter_types.hpp"
#include "postgres/schema/invalidation_writer.hpp"
#include "runtime/on_lane.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

namespace sluice::app {
namespace {

using Kind = policy::Invalidation::Kind;

Kind kind_of(admin::Purge::Kind kind) {
    switch (kind) {
        case admin::Purge::Kind::tag:
            return Kind::tag;
        case admin::Purge::Kind::pattern:
            return Kind::glob;
        case admin::Purge::Kind::all:
            break;
    }
    return Kind::all;
}

}  // namespace

void Purges::hear(policy::Invalidation purge, std::uint64_t history) {
    // Of another history than ours it says only that there was a purge.
    if (history == 0 || history != parts_.coherence.history()) purge.xid = 0;
    parts_.coherence.learn({&purge, 1}, Clock::now());
    if (parts_.sweep != nullptr) parts_.sweep->drop_held();
}

std::vector<std::string> Purges::names_of(const admin::Purge& purge) const {
    const auto& postgres = parts_.settings.postgres;
    if (purge.kind != admin::Purge::Kind::tag || !postgres) return {purge.name};
    const auto ask = [&](const std::string& text, unsigned type) -> std::optional<std::string> {
        try {
            return postgres::read_tag_value(postgres->primary, text, type);
        } catch (const postgres::SqlError&) {
            return std::nullopt;  // no functions for it, so that nothing else was spelled by them
        }
    };
    std::vector<std::string> meant{purge.name};
    for (const auto& one : parts_.configurations.all()) {
        auto more = meant_tags(purge.name, one->settings, one->tag_types, ask);
        meant.insert(meant.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    std::sort(meant.begin(), meant.end());
    meant.erase(std::unique(meant.begin(), meant.end()), meant.end());
    return meant;
}

void Purges::forget(const std::vector<policy::Invalidation>& purges) {
    auto& coherence = parts_.coherence;
    coherence.learn(purges, Clock::now());
    if (parts_.sweep != nullptr) parts_.sweep->drop_held();
    if (parts_.announcements == nullptr) return;
    // With its transaction once that is known, so that it arrives also while the database does not answer.
    for (const auto& one : purges) parts_.announcements->publish(purge_announcement(one, coherence.history()));
    parts_.announcements->announce(purges, coherence.enabled());
}

// First it is forgotten, by the time of day as it were, then recorded: whatever is loaded in between is known by the
// transaction. So it is forgotten too where the database does not answer.
bool Purges::record(const admin::Purge& purge) {
    const auto kind = kind_of(purge.kind);
    std::vector<policy::Invalidation> purges{{0, 0, kind, purge.name, true}};
    forget(purges);
    bool recorded = true;
    try {
        auto names = names_of(purge);
        purges.clear();
        for (auto& name : names) purges.push_back({0, 0, kind, std::move(name), true});
        if (parts_.coherence.enabled()) {
            for (auto& one : purges) one = postgres::record_purge(parts_.settings.postgres->primary, kind, one.name);
        }
        forget(purges);
    } catch (const std::exception& error) {
        log::error("purge_not_recorded", {{"name", purge.name}, {"error", error.what()}});
        recorded = false;
    }
    if (parts_.sweep != nullptr) {
        parts_.sweep->drop_everywhere(purges);
        constexpr auto patience = std::chrono::seconds{2};  // with Redis away, or large, it goes on by itself
        static_cast<void>(parts_.sweep->wait(Deadline::after(Clock::now(), patience)));
    }
    return recorded;
}

admin::PurgeFunction Purges::function() {
    return [this](Executor executor, admin::Purge purge, Deadline deadline) -> awaitable<bool> {
        if (parts_.lane == nullptr) co_return record(purge);  // without a database there is nothing to wait for
        std::function<bool()> job = [this, purge] { return record(purge); };
        const auto recorded = co_await runtime::on_lane<bool>(*parts_.lane, executor, deadline, std::move(job));
        co_return recorded.has_value() && *recorded;
    };
}

}  // namespace sluice::app
