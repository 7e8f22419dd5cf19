// The names under which one deployment keeps its things in Redis, apart from all others that use the same server.
// Hides how a name begins, and that it may not be known yet.
#pragma once

#include "sluice/deadline.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice::redis {

/// A name is `sluice:PREFIX/DATABASE:` and what it is, or only `sluice:` and what it is without both. Neither part holds
/// `/`, `:` or braces, so no two deployments' names meet and a cluster's hash tag is where a name puts it. All functions
/// may be called from any thread.
class KeySpace {
public:
    /// How all names begin; null while it is not known whose they would be.
    using Stem = std::shared_ptr<const std::string>;

    /// Known, of the prefix alone.
    explicit KeySpace(std::string prefix);

    Stem stem() const;
    /// The same for copies of rows. Null also for a while after another database took the place of one.
    Stem stem_for_copies(TimePoint now) const;
    /// Of the prefix alone, whatever database it is.
    const std::string& common() const noexcept { return common_; }

    /// From now on the names are those of `database`; empty: of the prefix alone. True if they were other ones before or
    /// unknown. If they were other ones, copies have no names until `copies_from`: what is being loaded may be the other's.
    bool belong_to(std::string_view database, TimePoint copies_from);
    /// From now on they are not known.
    void withhold();

private:
    const std::string prefix_;
    const std::string common_;
    mutable std::mutex mutex_;  // guards what follows
    Stem stem_;
    Stem last_;  // the last one known
    TimePoint copies_from_{};
};

}  // namespace sluice::redis
