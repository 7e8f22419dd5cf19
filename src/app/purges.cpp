// Purges: what an operator asks for is forgotten here, told to the other instances and recorded.
#include "app/dependencies.hpp"
#include "app/tag_purge.hpp"
#include "postgres/errors.hpp"
#include "postgres/invalidation_writer.hpp"
#include "postgres/parameter_types.hpp"
#include "runtime/on_lane.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace sluice::app {
namespace {

using Kind = postgres::Invalidation::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 3> kind_words{
    {{Kind::tag, "tag"}, {Kind::glob, "glob"}, {Kind::all, "all"}}};

std::optional<Kind> kind_of(std::string_view word) {
    for (const auto& [kind, name] : kind_words) {
        if (name == word) return kind;
    }
    return std::nullopt;
}

Kind kind_of(endpoints::Purge::Kind kind) {
    switch (kind) {
        case endpoints::Purge::Kind::tag:
            return Kind::tag;
        case endpoints::Purge::Kind::pattern:
            return Kind::glob;
        case endpoints::Purge::Kind::all:
            break;
    }
    return Kind::all;
}

}  // namespace

void Dependencies::on_purge_message(std::string_view text) {
    const auto take = [&text] {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        return word;
    };
    const auto number = [](std::string_view word) {
        std::uint64_t value = 0;
        std::from_chars(word.data(), word.data() + word.size(), value);
        return value;
    };
    const auto kind = kind_of(take());
    const auto history = number(take());
    const auto xid = number(take());
    if (!kind) return;
    // Of another history than ours it says only that there was a purge.
    const bool compares = history != 0 && history == coherence_.history();
    const postgres::Invalidation heard{0, compares ? xid : 0, *kind, std::string{text}, true};
    coherence_.learn({&heard, 1}, Clock::now());
    if (purge_sweep_) purge_sweep_->drop_held();
}

std::vector<std::string> Dependencies::names_of(const endpoints::Purge& purge) const {
    if (purge.kind != endpoints::Purge::Kind::tag || !settings_.postgres) return {purge.name};
    const auto ask = [this](const std::string& text, unsigned type) -> std::optional<std::string> {
        try {
            return postgres::read_tag_value(settings_.postgres->primary, text, type);
        } catch (const postgres::SqlError&) {
            return std::nullopt;  // no functions for it, so that nothing else was spelled by them
        }
    };
    return meant_tags(purge.name, settings_, tag_types_, ask);
}

void Dependencies::purge(const std::vector<postgres::Invalidation>& purges) {
    coherence_.learn(purges, Clock::now());
    if (purge_sweep_) purge_sweep_->drop_held();
    const auto history = std::to_string(coherence_.history());
    for (const auto& one : purges) {
        const auto word = std::find_if(kind_words.begin(), kind_words.end(), [&](auto& w) { return w.first == one.kind; });
        std::string message{"purge "};
        message.append(word->second).append(" ").append(history).append(" ").append(std::to_string(one.xid));
        publish(message.append(" ").append(one.name));
    }
    announce(purges);
}

// First it is forgotten, by the time of day as it were, then recorded: whatever is loaded in between is known by the
// transaction. So it is forgotten too where the database does not answer.
bool Dependencies::record(const endpoints::Purge& purge) {
    const auto kind = kind_of(purge.kind);
    std::vector<postgres::Invalidation> purges{{0, 0, kind, purge.name, true}};
    this->purge(purges);
    bool recorded = true;
    try {
        auto names = names_of(purge);
        purges.clear();
        for (auto& name : names) purges.push_back({0, 0, kind, std::move(name), true});
        if (coherence_.enabled()) {
            for (auto& one : purges) one = postgres::record_purge(settings_.postgres->primary, kind, one.name);
        }
        this->purge(purges);
    } catch (const std::exception& error) {
        log::error("purge_not_recorded", {{"name", purge.name}, {"error", error.what()}});
        recorded = false;
    }
    if (purge_sweep_) {
        purge_sweep_->drop_everywhere(purges);
        constexpr auto patience = std::chrono::seconds{2};  // with Redis away, or large, it goes on by itself
        static_cast<void>(purge_sweep_->wait(Deadline::after(Clock::now(), patience)));
    }
    return recorded;
}

endpoints::PurgeFunction Dependencies::purge_function() {
    return [this](Executor executor, endpoints::Purge purge, Deadline deadline) -> awaitable<bool> {
        if (!admin_lane_) co_return record(purge);  // without a database there is nothing to wait for
        std::function<bool()> job = [this, purge] { return record(purge); };
        const auto recorded = co_await runtime::on_lane<bool>(*admin_lane_, executor, deadline, std::move(job));
        co_return recorded.has_value() && *recorded;
    };
}

}  // namespace sluice::app
