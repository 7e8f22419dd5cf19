// What a cache loads: of whatever kind the source is, the value or why there is none.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/response.hpp"
#include "sluice/snapshot.hpp"

#include <boost/system/result.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sluice::cache {

/// How long a value lives, from the start of its load.
struct Lifetimes {
    Duration ttl{0};         ///< it is fresh
    Duration stale{0};       ///< past that it may stand in when loading fails
    Duration revalidate{0};  ///< past the ttl it is served while it is loaded anew
};

/// What a load found.
struct Loaded {
    bool found = false;  ///< false: there is no such thing (404)
    std::string body;
    std::optional<Label> label;
    bool may_lag = false;                     ///< it comes from a copy of the origin, which may lack what was just changed
    std::string etag = {};                    ///< strong, of the body; empty: it has none
    std::shared_ptr<const void> memory = {};  ///< kept until the answer is in the waiters' hands
    unsigned status = 200;                    ///< of the answers, if it was found
    HeaderBlock headers = {};                 ///< of the answers, kept with the value
    std::optional<Lifetimes> lifetimes = {};  ///< its own; nothing: those that were asked for
};

/// Why a load brought nothing.
struct Failure {
    enum class Cause {
        source,     // the source says so: see `answer`
        timed_out,  // nothing had come at the deadline
        stopping,   // the server stops, and nothing is loaded any more
        broken,     // the load threw what nobody expected: see `detail`
    };
    Cause cause = Cause::source;
    /// Whether a stale copy may be served in its place: the source was not there, too busy or too slow. It did not refuse
    /// what was asked.
    bool may_stand_in = true;
    /// Of the source: tells a client whose request it was, and the log.
    std::function<Response(const Exchange& exchange)> answer = {};
    std::string detail = {};  ///< for the log
};

using LoadResult = boost::system::result<Loaded, Failure>;

/// Where a load looks.
enum class From {
    anywhere,  // a copy of the origin will do
    origin,    // a copy's answer was too old
};

/// Reads the value from its source. Owns all it uses: whoever asked may be gone before it is done.
using Loader = std::function<awaitable<LoadResult>(From from, Deadline deadline)>;

}  // namespace sluice::cache
