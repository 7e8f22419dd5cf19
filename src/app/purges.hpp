// Purges: what an operator asks for is forgotten here, told to the other instances and recorded.
#pragma once

#include "admin/purge_handler.hpp"
#include "app/announcements.hpp"
#include "app/configuration.hpp"
#include "app/purge_sweep.hpp"
#include "cache/coherence.hpp"
#include "policy/changes.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/settings.hpp"

#include <string>
#include <vector>

namespace sluice::app {

class Purges {
public:
    /// All outlive it. Any but the first three may be null: without `announcements` nobody else is told, without `sweep`
    /// nothing is cached, and without `lane` there is no database that takes time.
    struct Parts {
        const Settings& settings;
        cache::Coherence& coherence;
        const Configurations& configurations;  ///< which say what an operator may mean by a tag
        Announcements* announcements = nullptr;
        PurgeSweep* sweep = nullptr;
        runtime::BlockingLane* lane = nullptr;
    };

    explicit Purges(Parts parts) : parts_{parts} {}

    /// For the admin API. Valid as long as this object.
    admin::PurgeFunction function();
    /// Another instance's. `history`: that its transaction belongs to.
    void hear(policy::Invalidation purge, std::uint64_t history);

private:
    std::vector<std::string> names_of(const admin::Purge& purge) const;
    /// Here and in every instance that Redis reaches.
    void forget(const std::vector<policy::Invalidation>& purges);
    bool record(const admin::Purge& purge);

    const Parts parts_;
};

}  // namespace sluice::app
