#include "app/table_watch.hpp"

#include "endpoints/route_statement.hpp"
#include "policy/tag_template.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <utility>

namespace sluice::app {
namespace {

using namespace std::chrono_literals;

constexpr Duration answer_within = 2s;
constexpr Duration learn_within = 30s;

bool tags_name_anything(const RouteSettings& route) {
    const auto names_something = [](const std::string& text) { return !policy::TagTemplate{text}.names().empty(); };
    const auto& cached = route.cache ? route.cache->tags : route.sql().invalidates;
    return std::any_of(cached.begin(), cached.end(), names_something);
}

}  // namespace

TableWatch::TableWatch(const Settings& settings, const Configurations& configurations, OnOutdated on_outdated)
    : settings_{settings}, configurations_{configurations}, on_outdated_{std::move(on_outdated)} {}

TableWatch::~TableWatch() { stop(); }

void TableWatch::start() {
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void TableWatch::stop() {
    watchdog_.stop();
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

bool TableWatch::learn_types() {
    std::vector<StatementSpec> statements;
    std::vector<Learner> learners;
    for (auto& one : configurations_.all()) {
        if (one->tag_types_known.exchange(true)) continue;  // unless it is said meanwhile that they have changed
        const auto first = statements.size();
        for (const auto& route : one->settings.routes) {
            if (route.sql_if() && tags_name_anything(route)) statements.push_back(endpoints::statement_of(route));
        }
        if (statements.size() > first) learners.push_back({std::move(one), first, statements.size()});
    }
    if (learners.empty() || ask_types(statements, learners)) return true;
    for (const auto& learner : learners) learner.configuration->tag_types_known = false;
    return false;
}

bool TableWatch::ask_types(std::span<const StatementSpec> statements, std::span<const Learner> learners) {
    std::vector<std::string> servers{settings_.postgres->primary};
    for (const auto& replica : settings_.postgres->replicas) servers.push_back(replica.url);
    for (const auto& server : servers) {
        if (watchdog_.stopping()) return false;
        try {
            auto all = postgres::infer_types(server, statements, watchdog_, Clock::now() + learn_within);
            for (const auto& learner : learners) {
                std::map<std::string, endpoints::TagTypes::Pointer> types;
                for (auto i = learner.first; i < learner.end; ++i) {
                    if (!all[i]) continue;
                    types[statements[i].name] = std::make_shared<const postgres::ParameterTypes>(std::move(*all[i]));
                }
                learner.configuration->tag_types.learn(std::move(types));
            }
            return true;
        } catch (const std::exception&) {
            continue;  // that server's monitor says what is wrong with it
        }
    }
    return false;
}

TableWatch::State TableWatch::state() const {
    const std::lock_guard lock{mutex_};
    return state_;
}

void TableWatch::run(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock{mutex};
    while (!stop.stop_requested()) {
        learn_types();
        if (has_tables()) look();
        wake.wait_for(lock, stop, interval, [] { return false; });
    }
}

void TableWatch::look() {
    try {
        const auto limit = Clock::now() + answer_within;
        if (!connection_) {
            connection_ = std::make_unique<postgres::Connection>(settings_.postgres->primary, watchdog_, limit);
        }
        note(postgres::look_at_tables(*connection_, settings_.tables, limit));
    } catch (const std::exception&) {
        connection_.reset();  // the monitor and the feed say that the primary is away
    }
}

void TableWatch::note(const postgres::TableStates& states) {
    const bool first = last_.empty();
    bool changed = false;
    bool healthy = true;
    was_tracked_.resize(states.tables.size());
    std::string troubles;
    std::vector<std::string> outdated;
    std::vector<bool> changed_now(states.tables.size());
    for (std::size_t i = 0; i < states.tables.size(); ++i) {
        const auto& table = settings_.tables[i];
        const auto& now = states.tables[i];
        const bool other_shape = !first && now.shape != last_[i].shape;
        changed = changed || other_shape;
        if (!now.told || other_shape || (!first && tell_again_[i])) {
            outdated.push_back(table.own_tag());
        }
        changed_now[i] = other_shape;
        if (now.trouble.empty()) was_tracked_[i] = true;
        healthy = healthy && (now.trouble.empty() || !was_tracked_[i]);
        if (!now.trouble.empty()) troubles += (troubles.empty() ? "not told: " : ", ") + table.name;
        const auto& before = first ? std::string{} : last_[i].trouble;
        if (!now.trouble.empty() && now.trouble != before) {
            log::warning(
                "table_changes_not_told",
                {{"table", table.name},
                 {"reason", now.trouble},
                 {"remedy", "run `sluice migrate`; until then copies live for seconds, or by the table's own tag"}});
        }
        if (now.trouble.empty() && !before.empty()) log::info("table_changes_told", {{"table", table.name}});
    }
    {
        const std::lock_guard lock{mutex_};
        state_ = {healthy, troubles.empty() ? "ok" : troubles};
    }
    last_ = states.tables;
    if (changed) {
        for (const auto& one : configurations_.all()) one->tag_types_known = false;
        learn_types();  // or by the next turn at the latest
    }
    // What was loaded until the new types were known has tags of the old ones.
    const bool again = std::find(tell_again_.begin(), tell_again_.end(), true) != tell_again_.end();
    tell_again_ = std::move(changed_now);
    // Nothing has happened since they were told last.
    if (outdated.empty() || (!changed && !again && states.xmax == last_xmax_)) return;
    last_xmax_ = states.xmax;
    on_outdated_(outdated, states.xmax);
}

}  // namespace sluice::app
