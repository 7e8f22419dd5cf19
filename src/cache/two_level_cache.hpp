// The cache in front of whatever answers: in-process level, shared level, one load at a time per key, and stale copies when
// loading fails.
#pragma once

#include "cache/cached_value.hpp"
#include "cache/coherence.hpp"
#include "cache/level_one.hpp"
#include "cache/load.hpp"
#include "cache/shared_copies.hpp"
#include "runtime/gate.hpp"
#include "runtime/one_shot.hpp"
#include "sluice/ports/byte_store.hpp"
#include "telemetry/metrics.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace sluice::cache {

/// What is asked for.
struct Wanted {
    std::string key;
    std::string path;   ///< `path?sorted-query`, for purge globs
    std::string route;  ///< for the log
    std::vector<std::string> tags;
    Lifetimes lifetimes;
    Duration grace{0};     ///< how long a tagged value may be fresh while the primary cannot be polled
    Duration negative{0};  ///< how long it is believed that there is no such thing; 0: not at all
    HeaderBlock headers;   ///< of its answers, beside those that come with the value
    Loader load;
    std::optional<HistoryPosition>
        after;             ///< a copy, or another caller's load, must not be from before; `load` sees to its own
    Duration patience{0};  ///< how long a load may take, whoever waits for it
};

struct Answer {
    enum class How {
        level_one,  // a fresh copy in this process
        level_two,  // a fresh copy in the shared store
        loaded,     // loaded for this request
        collapsed,  // loaded for another request that was under way
        stale,      // loading failed; a copy that was once true
        absent,     // there is no such thing
        failed,     // loading failed and there is no copy: see failure
    };
    How how = How::failed;
    ValuePointer value;  ///< null if failed, or if absent and not kept
    Failure failure;     ///< why loading failed, if it did
    /// For whoever asked by then it was found fresh. What was just read from the origin is for whoever could join the load.
    TimePoint judged = TimePoint::max();
    std::shared_ptr<const void> memory = {};  ///< of Loaded
};

class TwoLevelCache {
public:
    /// What each level may take. Of the second, what this process puts there.
    struct Budgets {
        static constexpr std::size_t level_two_default = std::size_t{256} * 1024 * 1024;
        Budgets(std::size_t first, std::size_t second = level_two_default) : level_one{first}, level_two{second} {}
        std::size_t level_one;
        std::size_t level_two;
    };
    /// `store` may be null: then there is one level.
    TwoLevelCache(Budgets budgets, std::shared_ptr<ByteStore> store, Coherence& coherence, telemetry::Metrics& metrics);

    /// A fresh in-process copy, or none.
    struct Hit {
        ValuePointer value;
        bool refresh = false;  ///< whoever gets this calls `refresh`, too: its time is over, or nearly
        bool prolong = false;  ///< whoever gets this calls `prolong`, too: its shared copy does not know that it is used
    };
    /// Without suspending. `after`: see Wanted.
    Hit find(std::string_view key, const Coherence::Look& look, const std::optional<HistoryPosition>& after = {});
    Hit find(std::string_view key, TimePoint now, const std::optional<HistoryPosition>& after = {}) {
        return find(key, {now, coherence_.last_poll_sent()}, after);
    }
    Coherence::Look look() const noexcept { return coherence_.look(); }

    /// Loads anew, in place of this copy, and returns at once; nothing happens if a load of the key is under way.
    void refresh(Executor executor, Wanted wanted, const CachedValue& old);

    /// The slow way, after `find` had nothing: joins the load of this key that is under way or starts one.
    /// Answers at the deadline at the latest.
    awaitable<Answer> load(Executor executor, Wanted wanted, Deadline deadline);

    /// Tells the store that the value is used, and returns at once.
    void prolong(Executor executor, std::string key, ValuePointer value);

    /// The value's body in this coding, if it has it or this call makes it: null while another one does, and where it would
    /// not be smaller.
    awaitable<const CodedBody*> coded(std::string key, ValuePointer value, policy::ContentCoding coding);

    /// Takes the bytes of what was purged out of this process. Returns the keys under which the store may have them as well.
    std::vector<std::string> drop_purged();

    /// Waits until the loads under way are done; no new ones start.
    bool drain(Deadline deadline);

    /// Of what this process put into the second level; 0 without one.
    std::size_t level_two_bytes() { return copies_ ? copies_->bytes() : 0; }

    LevelOne& level_one() noexcept { return level_one_; }
    const LevelOne& level_one() const noexcept { return level_one_; }

private:
    struct Flight {
        TimePoint started{};
        std::optional<TimePoint> refreshes;  // nobody waited when it took off: when the copy to replace was loaded
        std::vector<runtime::OneShot<Answer>> waiters;
    };
    struct FlightShard {
        std::mutex mutex;
        std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
    };

    FlightShard& shard_of(const std::string& key);
    static bool asks_for_refresh(const CachedValue& value, policy::Freshness verdict, TimePoint now);
    awaitable<void> fly(Executor executor, std::shared_ptr<Flight> flight, std::shared_ptr<const Wanted> wanted,
                        runtime::Gate::Pass pass);
    /// A fresh copy from the store, perhaps one that another instance is just making. Nothing: load it, `fill` says by which
    /// right; `candidate` is what may stand in.
    struct Fill {
        std::string owner;
        bool locked = false;
        bool asked_source = false;
        bool known = false;                  // there was a copy before
        ValuePointer before;                 // in the process
        std::optional<TimePoint> refreshes;  // a copy that is no younger than this will not do
    };
    awaitable<std::optional<Answer>> from_store(Executor executor, const Wanted& wanted, Fill& fill, ValuePointer& candidate,
                                                Deadline deadline);
    awaitable<Answer> obtain(Executor executor, const Wanted& wanted, Fill& fill);
    awaitable<Answer> from_source(const Wanted& wanted, ValuePointer candidate, Deadline deadline);
    awaitable<ValuePointer> find_in_store(const Wanted& wanted, bool first, Deadline deadline);
    ValuePointer keep(const Wanted& wanted, Loaded loaded, TimePoint started);
    void keep_in_process(const Wanted& wanted, const ValuePointer& value);
    awaitable<void> take_back_if_purged(const std::string& key, const CachedValue& value, Deadline deadline);
    awaitable<void> prolong_here(runtime::Gate::Pass pass, std::string key, ValuePointer value);
    Answer stand_in(const Wanted& wanted, ValuePointer candidate, Failure failure);
    void land(const Wanted& wanted, Flight& flight, const Answer& answer);

    Coherence& coherence_;
    LevelOne level_one_;
    const std::shared_ptr<ByteStore> store_;
    std::unique_ptr<SharedCopies> copies_;  // null without a store
    const std::string name_;                // of this process, in the locks it holds
    std::atomic<std::uint64_t> flights_begun_{0};
    std::array<FlightShard, 64> flights_;

    struct Counters {
        telemetry::Counter l1_hit, l1_miss, l1_stale, l2_hit, l2_miss, l2_stale, l2_error;
    } counters_;
    const telemetry::Counter too_large_;
    std::mutex told_mutex_;
    std::set<std::string, std::less<>> told_;  // routes that have answers which are not kept: no more than there are

    runtime::Gate gate_;  // last: drained by drain(), asserts empty when destroyed
};

}  // namespace sluice::cache
