// A cached answer: immutable bytes ready to be sent, and what must be known to judge whether they are still true.
#pragma once

#include "cache/coded_bodies.hpp"
#include "cache/etag.hpp"
#include "policy/store_budget.hpp"
#include "sluice/deadline.hpp"
#include "sluice/response.hpp"
#include "sluice/snapshot.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cache {

/// What its copy in the shared store takes, and until when.
struct StoredCopy {
    /// Of what this instance stored. Guarded by SharedCopies.
    std::optional<policy::StoreBudget::Charge> charge;
    /// The copy is on trial: whoever is asked for the value from then on says that it is used. A tick of this process's
    /// clock.
    std::atomic<Duration::rep> prolong_from{std::numeric_limits<Duration::rep>::max()};
    bool found_on_trial = false;  ///< when it was read from there
};

/// What counts a value's bytes while they are fetched or sent: one for all that do. Ends with the last of them.
class HeldInFlight {
public:
    /// Null: nobody does.
    std::shared_ptr<const void> find() const {
        const std::lock_guard lock{mutex_};
        return held_.lock();
    }
    void set(const std::shared_ptr<const void>& held) {
        const std::lock_guard lock{mutex_};
        held_ = held;
    }

private:
    mutable std::mutex mutex_;
    std::weak_ptr<const void> held_;
};

struct CachedValue {
    unsigned status = 200;  ///< of its answers
    std::string body;       ///< as it goes to the client
    bool absent = false;    ///< there is no such thing (404): the body stands for nothing
    std::string etag;       ///< strong, with its quotes; empty: it has none
    TimePoint loaded_at{};  ///< when its load was started, by this process's clock
    Duration ttl{0};
    Duration stale{0};
    Duration revalidate{0};
    Duration grace{0};    ///< while polls fail: how long it may yet be fresh
    Duration cost{0};     ///< how long its load took
    HeaderBlock headers;  ///< of its answers, beside those of all its route's answers
    std::size_t own_headers =
        0;  ///< so many bytes of `headers` came with it and are stored with it; whoever asks knows the rest
    std::vector<std::string> tags;
    std::string path;            ///< `path?sorted-query`: what purge globs match
    std::optional<Label> label;  ///< what it contains

    /// The version of the known invalidations this value was last checked against: a hit need not look them up again.
    mutable std::atomic<std::uint64_t> checked_version{0};

    /// When a reader may next be asked to refresh it, so that one is, not all: a tick of this process's clock.
    mutable std::atomic<Duration::rep> refresh_from{0};

    mutable StoredCopy stored;

    mutable HeldInFlight in_flight;

    mutable CodedBodies coded;

    /// What it costs to keep.
    std::size_t bytes() const noexcept {
        std::size_t total = sizeof(CachedValue) + body.capacity() + etag.capacity() + path.capacity() +
                            headers.wire().capacity() + coded.bytes();
        for (const std::string& tag : tags) total += sizeof(std::string) + tag.capacity();
        return total;
    }
};

using ValuePointer = std::shared_ptr<const CachedValue>;

/// Whether it contains all that had been committed at the position. Without a position: yes.
inline bool has_all_before(const CachedValue& value, const std::optional<HistoryPosition>& position) noexcept {
    return !position || (value.label && value.label->history == position->history && position->history != 0 &&
                         value.label->snapshot.covers(position->snapshot));
}

}  // namespace sluice::cache
