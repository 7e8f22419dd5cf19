// Every metric of the server, by name in one place. Hides prometheus-cpp; a handle is resolved once and then only counts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace sluice::telemetry {

/// A monotonic count. Default-made handles count into nothing.
class Counter {
public:
    Counter() = default;
    explicit Counter(prometheus::Counter& counter) : counter_{&counter} {}
    void add(double amount = 1) const noexcept;

private:
    prometheus::Counter* counter_ = nullptr;
};

/// A value that goes up and down.
class Gauge {
public:
    Gauge() = default;
    explicit Gauge(prometheus::Gauge& gauge) : gauge_{&gauge} {}
    void set(double value) const noexcept;
    void add(double amount) const noexcept;

private:
    prometheus::Gauge* gauge_ = nullptr;
};

/// A distribution of seconds.
class Histogram {
public:
    Histogram() = default;
    explicit Histogram(prometheus::Histogram& histogram) : histogram_{&histogram} {}
    void observe(double seconds) const noexcept;

private:
    prometheus::Histogram* histogram_ = nullptr;
};

/// The registry. Each function returns the series with these labels, making it on first use (which locks: keep the handle).
/// Labels hold route templates, tier names and configured server names, never raw paths, keys or addresses.
class Metrics {
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    Counter http_requests(std::string_view route, std::string_view method, unsigned code);
    Histogram http_request_duration(std::string_view route, std::string_view method);
    Gauge http_in_flight();
    Gauge http_connections();
    /// Connections cut off because the client was slower than the minimum rate. direction: answer | body
    Counter http_slow_clients(std::string_view direction);
    /// Connections that could not be accepted, or were closed at once: no descriptors or no memory.
    Counter http_accept_failures();
    /// level: l1 | l2; result: hit | stale | miss | error
    Counter cache_requests(std::string_view level, std::string_view result);
    /// Values that a level did not take. level: l1 | l2; reason: size | budget
    Counter cache_not_kept(std::string_view level, std::string_view reason);
    Gauge cache_bytes(std::string_view level);
    /// decision: admitted | rejected | unavailable | local
    Counter ratelimit_decisions(std::string_view tier, std::string_view decision);
    /// 0 closed, 1 open, 2 half-open
    Gauge breaker_state(std::string_view dependency);
    Counter breaker_transitions(std::string_view dependency, std::string_view to);
    /// state: idle | busy | down
    Gauge db_connections(std::string_view server, std::string_view state);
    Histogram db_query_seconds(std::string_view server);
    /// Calls that wait for a connection. pool: SERVER:read | SERVER:write
    Gauge queue_length(std::string_view pool);
    /// How long those waited that were run.
    Histogram queue_seconds(std::string_view pool);
    /// 1: it answered the last time it was asked, in the role that it is used in; 0: it did not. NaN: not asked yet.
    Gauge dependency_up(std::string_view dependency);
    /// Reads that were asked as one statement with others. result: answered | repeated
    Counter db_collapsed_reads(std::string_view server, std::string_view result);
    /// NaN: not known, e.g. because the replica is away.
    Gauge replica_lag_seconds(std::string_view server);
    /// NaN: no poll was answered yet.
    Gauge invalidation_poll_age_seconds();
    /// Keys whose usage is not stored yet.
    Gauge usage_waiting_keys();
    /// Requests whose usage was not counted: too many keys waited.
    Counter usage_dropped();
    /// result: ok | error | timeout | unavailable
    Counter redis_commands(std::string_view result);
    /// reason: Redis' code, one of those in redis/refusal.cpp, or ERROR
    Counter redis_refusals(std::string_view reason);

    /// Requests to a service. result: ok | server_error | cancelled, or one of UpstreamError::Kind
    Counter upstream_requests(std::string_view upstream, std::string_view result);
    Histogram upstream_request_seconds(std::string_view upstream);
    /// state: idle | busy
    Gauge upstream_connections(std::string_view upstream, std::string_view state);
    /// state: usable | ejected | ill | unresolved
    Gauge upstream_endpoints(std::string_view upstream, std::string_view state);

    /// How late the turns of the serving loops come.
    Histogram loop_lag_seconds();

    /// Bytes of large bodies and answers in flight.
    Gauge memory_in_flight_bytes();
    /// Requests refused because that was too much. what: body | answer
    Counter memory_refusals(std::string_view what);
    /// `kind`: `sql`, `upstream`, `body`.
    Counter fallbacks(std::string_view route, std::string_view kind);
    /// Answers larger than max_answer.
    Counter answers_too_large(std::string_view route);

    /// The Prometheus text format, with `process_*` read at this moment.
    std::string render() const;

private:
    struct Families;
    std::unique_ptr<Families> families_;
};

}  // namespace sluice::telemetry
