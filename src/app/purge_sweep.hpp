// Takes the bytes of what was purged out of both cache levels, in the background. That they are not served is seen to by
// cache::Coherence, at once; this sees to it that they are gone.
#pragma once

#include "cache/two_level_cache.hpp"
#include "policy/changes.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"
#include "sluice/ports/byte_store.hpp"

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace sluice::app {

/// Every instance takes the copies out that it holds, from the store as well: it may have written them there a moment ago.
/// The one that recorded the purge looks through the whole store, again and again until that succeeds.
class PurgeSweep {
public:
    /// `store` may be null. `executor`: of the loop on which the store is asked. The cache outlives it.
    PurgeSweep(cache::TwoLevelCache& cache, std::shared_ptr<ByteStore> store, Executor executor);
    ~PurgeSweep();

    void start();
    /// What the store is being asked is broken off by the store's end alone, so that `stop` comes after it.
    void request_stop();
    void stop();

    /// The cache's coherence has learned of a purge. From any thread.
    void drop_held();
    /// And it was recorded here: look through the store. From any thread.
    void drop_everywhere(const std::vector<policy::Invalidation>& purges);
    /// Until all that was asked for is done; false: the deadline came first. Blocking.
    bool wait(Deadline deadline);

private:
    void run(const std::stop_token& stop);
    bool erase_keys(std::vector<std::string>& keys);
    bool search(const std::vector<policy::Invalidation>& purges);

    cache::TwoLevelCache& cache_;
    const std::shared_ptr<ByteStore> store_;
    const Executor executor_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    bool asked_ = false;                        // guarded by the mutex, as is what follows
    bool working_ = false;                      // or trying again
    std::vector<policy::Invalidation> purges_;  // to look through the store for
    std::jthread thread_;                       // last: joined before what it uses goes
};

}  // namespace sluice::app
