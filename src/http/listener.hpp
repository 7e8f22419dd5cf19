// Accepts connections at one address and runs a session for each. Hides sockets, accounting and drain.
#pragma once

#include "http/site.hpp"
#include "runtime/event_loops.hpp"
#include "sluice/deadline.hpp"
#include "telemetry/metrics.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice::http {

/// One acceptor, on the background loop, hands accepted sockets to the serving loops in turn. Several with SO_REUSEPORT
/// would hide that another process has the address.
///
/// The loops and the metrics outlive the listener. Its sessions may outlive it (until the loops end), but call `drain`
/// first: what their sites refer to is used as long as they run.
class Listener {
public:
    enum class Mode {
        serving,     // the public API: on the serving loops, counted in sluice_http_connections
        background,  // the admin API: on the background loop, not counted
    };

    Listener(runtime::EventLoops& loops, std::shared_ptr<const Site> site, telemetry::Metrics& metrics, Mode mode);
    /// Stops accepting.
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Binds and listens to `127.0.0.1:8080`, `[::1]:8080` or `localhost:0`; connections wait until `start`.
    /// Throws std::runtime_error such as `cannot listen on 127.0.0.1:8080: Address already in use`.
    void open(std::string_view address);
    /// The port in use once open.
    std::uint16_t port() const noexcept;

    /// Begins to accept. A connection beyond `limits.connections` is answered 503 and closed: a client learns at once what a
    /// full backlog would only let it guess. Running out of descriptors or memory pauses accepting for a moment, and is
    /// logged now and then. The public API leaves the last descriptors free, so that the admin listener has some.
    void start();
    /// Closes the acceptor; returns when that is done. Idempotent. Not from a loop.
    void stop_accepting();

    /// Requests that begin from now on are served by this site, on each loop as soon as it turns; those under way end as
    /// they began. The last pin of the one before lets go of it, on whatever thread. From any thread.
    void serve(std::shared_ptr<const Site> site);

    /// From now on every answer says `Connection: close`, and its connection ends; new ones are accepted. From any thread.
    void close_after_answers() noexcept;

    /// Stops accepting, closes idle connections, lets requests in flight finish with `Connection: close`. When the deadline
    /// passes it closes the rest and ends their handlers. Returns whether all finished in time. Not from a loop.
    bool drain(Deadline deadline);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;  // shared with the accept loop and the sessions
};

}  // namespace sluice::http
