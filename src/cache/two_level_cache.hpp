// The cache in front of the database: in-process level, shared level, one load at a time per key, and stale copies when
// loading fails.
#pragma once

#include "cache/cached_value.hpp"
#include "cache/coherence.hpp"
#include "cache/level_one.hpp"
#include "runtime/gate.hpp"
#include "runtime/one_shot.hpp"
#include "sluice/ports/byte_store.hpp"
#include "sluice/ports/database.hpp"
#include "telemetry/metrics.hpp"

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace sluice::cache {

/// What a load found.
struct Loaded {
    bool found = false;  ///< false: there is no such thing (404); not kept
    std::string body;    ///< `{"data":…}`
    std::optional<Label> label;
    bool from_primary = false;
};
using LoadResult = boost::system::result<Loaded, DatabaseError>;

/// Reads the value from the database. Owns all it uses: whoever asked may be gone before it is done.
/// `on_primary`: a replica's answer was too old.
using Loader = std::function<awaitable<LoadResult>(bool on_primary, Deadline)>;

/// What is asked for.
struct Wanted {
    std::string key;
    std::string path;  ///< `path?sorted-query`, for purge globs
    std::vector<std::string> tags;
    Duration ttl{0};
    Duration stale{0};
    Loader load;
    Duration patience{0};  ///< how long a load may take, whoever waits for it
};

struct Answer {
    enum class How {
        level_one,  // a fresh copy in this process
        level_two,  // a fresh copy in the shared store
        loaded,     // read from the database for this request
        collapsed,  // read from the database for another request that was under way
        stale,      // loading failed; a copy that was once true
        absent,     // the database has no such thing
        failed,     // loading failed and there is no copy: see error
    };
    How how = How::failed;
    ValuePointer value;   ///< null if absent or failed
    DatabaseError error;  ///< why loading failed, if it did
};

class TwoLevelCache {
public:
    /// `store` may be null: then there is one level.
    TwoLevelCache(std::size_t level_one_bytes, std::shared_ptr<ByteStore> store, Coherence& coherence,
                  telemetry::Metrics& metrics);

    /// A fresh in-process copy, without suspending.
    ValuePointer find(std::string_view key, TimePoint now);

    /// The slow way, after `find` had nothing: joins the load of this key that is under way or starts one.
    /// Answers at the deadline at the latest.
    awaitable<Answer> load(Executor executor, Wanted wanted, Deadline deadline);

    /// Waits until the loads under way are done; no new ones start.
    bool drain(Deadline deadline);

    LevelOne& level_one() noexcept { return level_one_; }
    const LevelOne& level_one() const noexcept { return level_one_; }

private:
    struct Flight {
        TimePoint started{};
        bool done = false;
        Answer answer;
        std::vector<runtime::OneShot<Answer>> waiters;
    };
    struct FlightShard {
        std::mutex mutex;
        std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
    };

    FlightShard& shard_of(const std::string& key);
    awaitable<void> fly(std::shared_ptr<Flight> flight, std::shared_ptr<const Wanted> wanted, runtime::Gate::Pass pass);
    awaitable<Answer> obtain(const Wanted& wanted);
    awaitable<ValuePointer> find_in_store(const Wanted& wanted, Deadline deadline);
    ValuePointer keep(const Wanted& wanted, Loaded loaded, TimePoint started);
    Answer stand_in(const Wanted& wanted, ValuePointer candidate, DatabaseError error);
    void land(const Wanted& wanted, Flight& flight, const Answer& answer);

    Coherence& coherence_;
    LevelOne level_one_;
    std::shared_ptr<ByteStore> store_;
    std::array<FlightShard, 64> flights_;

    struct Counters {
        telemetry::Counter l1_hit, l1_miss, l1_stale, l2_hit, l2_miss, l2_stale, l2_error;
    } counters_;

    runtime::Gate gate_;  // last: drained by drain(), asserts empty when destroyed
};

/// Whether an error may be answered by a stale copy: the database was not there, too busy or too slow, not that it refused
/// the input.
bool may_stand_in(const DatabaseError& error) noexcept;

}  // namespace sluice::cache
