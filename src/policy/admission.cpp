#include "policy/admission.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace sluice::policy {
namespace {

using std::chrono::milliseconds;

constexpr Duration least_late = milliseconds{20};
constexpr int late_factor = 4;
constexpr std::size_t others_part = 4;  // one of so many connections is kept for others, at least one
constexpr int new_in_mean = 4;          // the latest one's part of the mean
// What a wait is expected to be is a guess: it is taken for a quarter longer.
constexpr Duration with_margin(Duration wait) { return wait + wait / 4; }

bool share(const std::vector<std::size_t>& one, const std::vector<std::size_t>& other) {
    return std::any_of(one.begin(), one.end(),
                       [&](auto resource) { return std::find(other.begin(), other.end(), resource) != other.end(); });
}

bool is_late(Duration age, Duration takes) { return age > std::max(least_late, late_factor * takes); }

}  // namespace

void Admission::know(std::uint64_t kind, std::span<const std::string> resources) {
    const auto [found, added] = kinds_.try_emplace(kind);
    if (!added) return;
    const auto number = [this](const std::string& name) {
        const auto [resource, added_now] = resources_.try_emplace(name, last_resource_ + 1);
        if (added_now) ++last_resource_;
        return resource->second;
    };
    auto& numbers = found->second.resources;
    numbers.push_back(number(' ' + std::to_string(kind)));  // no resource's name
    for (const auto& resource : resources) numbers.push_back(number(resource));
}

void Admission::keep(std::span<const std::uint64_t> kinds) {
    const auto needed = [&](const auto& one) {
        const auto& [id, kind] = one;
        const auto runs = [number = id](const auto& run) { return run.second.kind == number; };
        return !kind.queue.empty() || std::binary_search(kinds.begin(), kinds.end(), id) ||
               std::any_of(running_.begin(), running_.end(), runs);
    };
    std::erase_if(kinds_, std::not_fn(needed));
    std::set<std::size_t> used;
    for (const auto& [id, kind] : kinds_) used.insert(kind.resources.begin(), kind.resources.end());
    std::erase_if(resources_, [&](const auto& resource) { return !used.contains(resource.second); });
}

std::optional<Admission::Refusal> Admission::arrive(Ticket ticket, std::uint64_t kind, TimePoint deadline, TimePoint now) {
    know(kind, {});
    auto& asked = kinds_.at(kind);
    asked.asked = true;
    asked.last_asked = now;
    const bool at_once = asked.queue.empty() && may_run(asked, now);
    if (!at_once && waiting_ >= settings_.most_waiting) return Refusal::full;
    if (!at_once && too_late(asked, asked.queue.size(), deadline, now)) return Refusal::too_late;
    asked.queue.push_back({ticket, deadline, !at_once});
    ++waiting_;
    return std::nullopt;
}

std::vector<Admission::Ticket> Admission::take_late(TimePoint now) {
    std::vector<Ticket> late;
    for (auto& [id, kind] : kinds_) {
        auto& queue = kind.queue;
        const auto drop = [&](const Waiting& waiting) {
            late.push_back(waiting.ticket);
            --waiting_;
        };
        const auto in_vain = [&](const Waiting& waiting) {
            return waiting.deadline <= (waiting.had_to_wait ? now + kind.takes : now);
        };
        while (!queue.empty() && in_vain(queue.front())) {
            drop(queue.front());
            queue.pop_front();
        }
        // The first may run as soon as anybody ends, however long that is expected to take.
        while (queue.size() > 1 && too_late(kind, queue.size() - 1, queue.back().deadline, now)) {
            drop(queue.back());
            queue.pop_back();
        }
    }
    return late;
}

std::optional<Admission::Ticket> Admission::next(TimePoint now) {
    std::pair<const std::uint64_t, Kind>* first = nullptr;
    for (auto& candidate : kinds_) {
        const auto& kind = candidate.second;
        if (kind.queue.empty() || !may_run(kind, now)) continue;
        if (first == nullptr || kind.queue.front().ticket < first->second.queue.front().ticket) first = &candidate;
    }
    if (first == nullptr) return std::nullopt;
    const auto [ticket, deadline, had_to_wait] = first->second.queue.front();
    first->second.queue.pop_front();
    --waiting_;
    running_.insert_or_assign(ticket, Run{first->first, deadline, now});
    return ticket;
}

void Admission::put_back(Ticket ticket) {
    const auto run = running_.find(ticket);
    if (run == running_.end()) return;
    auto& queue = kinds_.at(run->second.kind).queue;
    const auto place = std::find_if(queue.begin(), queue.end(), [&](const Waiting& other) { return other.ticket > ticket; });
    queue.insert(place, {ticket, run->second.deadline, false});
    ++waiting_;
    running_.erase(run);
}

void Admission::finished(Ticket ticket, TimePoint now, bool tells) {
    const auto run = running_.find(ticket);
    if (run == running_.end()) return;
    auto& takes = kinds_.at(run->second.kind).takes;
    const auto took = std::max(Duration{1}, now - run->second.since);
    if (tells) takes = takes == Duration::zero() ? took : takes + (took - takes) / new_in_mean;
    running_.erase(run);
}

bool Admission::forget(Ticket ticket) {
    for (auto& [id, kind] : kinds_) {
        const auto gone = std::erase_if(kind.queue, [&](const Waiting& waiting) { return waiting.ticket == ticket; });
        waiting_ -= gone;
        if (gone > 0) return true;
    }
    return false;
}

std::size_t Admission::most_at_once(const Kind& kind, TimePoint now) const {
    const bool others = std::any_of(kinds_.begin(), kinds_.end(), [&](const auto& other) {
        const auto& [id, its] = other;
        return its.asked && now - its.last_asked <= settings_.others_count_for && !share(its.resources, kind.resources);
    });
    if (!others || connections_ < 2) return connections_;
    return connections_ - std::max<std::size_t>(1, connections_ / others_part);
}

bool Admission::has_its_part(const Kind& kind, TimePoint now) const {
    const auto most = most_at_once(kind, now);
    std::size_t like = 0;
    for (const auto& [ticket, run] : running_) like += share(kinds_.at(run.kind).resources, kind.resources) ? 1 : 0;
    return like >= most;
}

bool Admission::may_run(const Kind& kind, TimePoint now) const {
    return running_.size() < connections_ && !has_its_part(kind, now);
}

bool Admission::too_late(const Kind& kind, std::size_t before, TimePoint deadline, TimePoint now) const {
    return now + with_margin(expected_wait(kind, before, now)) + kind.takes > deadline;
}

Duration Admission::expected_wait(const Kind& kind, std::size_t before, TimePoint now) const {
    return std::max(wait_for_others(kind, now), wait_for_own(kind, before, now));
}

// What runs and what waits, shared among the connections that are not stuck. Who has its part already is in nobody's way.
Duration Admission::wait_for_others(const Kind& kind, TimePoint now) const {
    Duration work{0};
    std::size_t stuck = 0;
    auto youngest = Duration::max();
    for (const auto& [ticket, run] : running_) {
        const auto age = now - run.since;
        const auto takes = kinds_.at(run.kind).takes;
        youngest = std::min(youngest, age);
        if (is_late(age, takes)) {
            ++stuck;
        } else {
            work += std::max(Duration::zero(), takes - age);
        }
    }
    for (const auto& [id, other] : kinds_) {
        if (&other == &kind || other.queue.empty() || has_its_part(other, now)) continue;
        work += other.takes * static_cast<int>(other.queue.size());
    }
    if (stuck < connections_) return work / static_cast<int>(connections_ - stuck);
    return work + youngest;  // what has run for long is likely to run for as long again
}

Duration Admission::wait_for_own(const Kind& kind, std::size_t before, TimePoint now) const {
    const auto most = static_cast<int>(most_at_once(kind, now));
    auto takes = kind.takes;
    for (const auto& [ticket, run] : running_) {
        if (share(kinds_.at(run.kind).resources, kind.resources)) takes = std::max(takes, now - run.since);
    }
    const auto rounds = static_cast<int>(before) + (has_its_part(kind, now) ? 1 : 0);
    return takes * rounds / most;
}

}  // namespace sluice::policy
