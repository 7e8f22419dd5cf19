#include "telemetry/metrics.hpp"

#include "telemetry/process_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace sluice::telemetry {
namespace {

using Labels = std::map<std::string, std::string>;

/// From a hot L1 hit to a statement that runs into its deadline, in seconds.
const prometheus::Histogram::BucketBoundaries http_buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                           0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
const prometheus::Histogram::BucketBoundaries query_buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                            0.05,   0.1,     0.25,   0.5,   1,      2.5,   5};

const prometheus::Histogram::BucketBoundaries lag_buckets{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5};

template <class Builder>
auto& family(Builder builder, prometheus::Registry& registry, const char* name, const char* help) {
    return builder.Name(name).Help(help).Register(registry);
}

}  // namespace

void Counter::add(double amount) const noexcept {
    if (counter_) counter_->Increment(amount);
}

void Gauge::set(double value) const noexcept {
    if (gauge_) gauge_->Set(value);
}

void Gauge::add(double amount) const noexcept {
    if (gauge_) gauge_->Increment(amount);
}

void Histogram::observe(double seconds) const noexcept {
    if (histogram_) histogram_->Observe(seconds);
}

struct Metrics::Families {
    prometheus::Registry registry;

    prometheus::Family<prometheus::Counter>& http_requests =
        family(prometheus::BuildCounter(), registry, "sluice_http_requests_total", "Requests answered, by route template.");
    prometheus::Family<prometheus::Histogram>& http_request_duration =
        family(prometheus::BuildHistogram(), registry, "sluice_http_request_duration_seconds",
               "Time from a complete request head to the answer.");
    prometheus::Family<prometheus::Gauge>& http_in_flight =
        family(prometheus::BuildGauge(), registry, "sluice_http_in_flight", "Requests being answered now.");
    prometheus::Family<prometheus::Gauge>& http_connections =
        family(prometheus::BuildGauge(), registry, "sluice_http_connections", "Client connections open now.");
    prometheus::Family<prometheus::Counter>& http_slow_clients =
        family(prometheus::BuildCounter(), registry, "sluice_http_slow_clients_total",
               "Clients cut off because they took or sent less than the minimum rate.");
    prometheus::Family<prometheus::Counter>& http_accept_failures =
        family(prometheus::BuildCounter(), registry, "sluice_http_accept_failures_total",
               "Connections that could not be taken: no descriptors or no memory.");
    prometheus::Family<prometheus::Counter>& cache_requests =
        family(prometheus::BuildCounter(), registry, "sluice_cache_requests_total", "Cache look-ups, by level and result.");
    prometheus::Family<prometheus::Counter>& cache_not_kept =
        family(prometheus::BuildCounter(), registry, "sluice_cache_not_kept_total",
               "Values that a cache level did not take, for their size or because its budget was spent.");
    prometheus::Family<prometheus::Gauge>& memory_in_flight =
        family(prometheus::BuildGauge(), registry, "sluice_memory_in_flight_bytes",
               "Bytes of large bodies and answers in flight, of server.memory.");
    prometheus::Family<prometheus::Counter>& fallbacks =
        family(prometheus::BuildCounter(), registry, "sluice_fallbacks_total",
               "Answers that a fallback gave because the route's source failed");
    prometheus::Family<prometheus::Counter>& memory_refusals =
        family(prometheus::BuildCounter(), registry, "sluice_memory_refusals_total",
               "Requests refused because server.memory was taken, by what it was needed for.");
    prometheus::Family<prometheus::Counter>& answers_too_large =
        family(prometheus::BuildCounter(), registry, "sluice_answers_too_large_total",
               "Answers not given because they were larger than max_answer, by route template.");
    prometheus::Family<prometheus::Gauge>& cache_bytes =
        family(prometheus::BuildGauge(), registry, "sluice_cache_bytes", "Bytes held by a cache level.");
    prometheus::Family<prometheus::Counter>& ratelimit_decisions =
        family(prometheus::BuildCounter(), registry, "sluice_ratelimit_decisions_total", "Rate limit decisions, by tier.");
    prometheus::Family<prometheus::Gauge>& breaker_state = family(prometheus::BuildGauge(), registry, "sluice_breaker_state",
                                                                  "Circuit breaker: 0 closed, 1 open, 2 half-open.");
    prometheus::Family<prometheus::Counter>& breaker_transitions =
        family(prometheus::BuildCounter(), registry, "sluice_breaker_transitions_total", "Circuit breaker transitions.");
    prometheus::Family<prometheus::Gauge>& db_connections =
        family(prometheus::BuildGauge(), registry, "sluice_db_connections", "PostgreSQL connections, by server and state.");
    prometheus::Family<prometheus::Histogram>& db_query_seconds =
        family(prometheus::BuildHistogram(), registry, "sluice_db_query_seconds", "Time a statement took on a server.");
    prometheus::Family<prometheus::Gauge>& queue_length =
        family(prometheus::BuildGauge(), registry, "sluice_queue_length", "Calls that wait for a connection, by pool.");
    prometheus::Family<prometheus::Histogram>& queue_seconds =
        family(prometheus::BuildHistogram(), registry, "sluice_queue_seconds", "How long calls waited for a connection.");
    prometheus::Family<prometheus::Gauge>& dependency_up =
        family(prometheus::BuildGauge(), registry, "sluice_dependency_up",
               "1: it answered the last time it was asked, in the role that it is used in.");
    prometheus::Family<prometheus::Counter>& db_collapsed_reads =
        family(prometheus::BuildCounter(), registry, "sluice_db_collapsed_reads_total",
               "Reads asked as one statement with others: answered by it, or repeated each by itself as it failed.");
    prometheus::Family<prometheus::Gauge>& replica_lag_seconds =
        family(prometheus::BuildGauge(), registry, "sluice_replica_lag_seconds", "How far a replica is behind the primary.");
    prometheus::Family<prometheus::Gauge>& invalidation_poll_age =
        family(prometheus::BuildGauge(), registry, "sluice_invalidation_poll_age_seconds",
               "How long ago the last answered poll for invalidations was sent.");
    prometheus::Family<prometheus::Counter>& redis_commands =
        family(prometheus::BuildCounter(), registry, "sluice_redis_commands_total", "Redis commands sent, by result.");
    prometheus::Family<prometheus::Counter>& redis_refusals =
        family(prometheus::BuildCounter(), registry, "sluice_redis_refusals_total",
               "Errors with which Redis refused more than the one command, by its code.");
    prometheus::Family<prometheus::Gauge>& usage_waiting_keys =
        family(prometheus::BuildGauge(), registry, "sluice_usage_waiting_keys",
               "API keys whose usage this instance has counted and not stored yet.");
    prometheus::Family<prometheus::Counter>& usage_dropped =
        family(prometheus::BuildCounter(), registry, "sluice_usage_dropped_total",
               "Requests whose usage was not counted because too many keys waited to be stored.");
    prometheus::Family<prometheus::Counter>& upstream_requests = family(
        prometheus::BuildCounter(), registry, "sluice_upstream_requests_total", "Requests to services, by how they ended.");
    prometheus::Family<prometheus::Histogram>& upstream_request_seconds =
        family(prometheus::BuildHistogram(), registry, "sluice_upstream_request_seconds",
               "Time a request to a service took, tries and waiting for a connection included.");
    prometheus::Family<prometheus::Gauge>& upstream_connections =
        family(prometheus::BuildGauge(), registry, "sluice_upstream_connections", "Connections to services, by state.");
    prometheus::Family<prometheus::Gauge>& upstream_endpoints =
        family(prometheus::BuildGauge(), registry, "sluice_upstream_endpoints", "Endpoints of services, by state.");
    prometheus::Family<prometheus::Histogram>& loop_lag =
        family(prometheus::BuildHistogram(), registry, "sluice_loop_lag_seconds",
               "How late a turn of an event loop came, sampled ten times a second on each.");
    prometheus::Family<prometheus::Gauge>& build_info =
        family(prometheus::BuildGauge(), registry, "sluice_build_info", "Always 1; the version is a label.");
};

Metrics::Metrics() : families_{std::make_unique<Families>()} {
    families_->build_info.Add({{"version", SLUICE_VERSION}}).Set(1);
}

Metrics::~Metrics() = default;

Counter Metrics::http_requests(std::string_view route, std::string_view method, unsigned code) {
    return Counter{families_->http_requests.Add(
        Labels{{"route", std::string{route}}, {"method", std::string{method}}, {"code", std::to_string(code)}})};
}

Histogram Metrics::http_request_duration(std::string_view route, std::string_view method) {
    return Histogram{families_->http_request_duration.Add(
        Labels{{"route", std::string{route}}, {"method", std::string{method}}}, http_buckets)};
}

Gauge Metrics::http_in_flight() { return Gauge{families_->http_in_flight.Add({})}; }

Gauge Metrics::http_connections() { return Gauge{families_->http_connections.Add({})}; }

Counter Metrics::http_slow_clients(std::string_view direction) {
    return Counter{families_->http_slow_clients.Add(Labels{{"direction", std::string{direction}}})};
}

Counter Metrics::http_accept_failures() { return Counter{families_->http_accept_failures.Add({})}; }

Counter Metrics::cache_requests(std::string_view level, std::string_view result) {
    return Counter{families_->cache_requests.Add(Labels{{"level", std::string{level}}, {"result", std::string{result}}})};
}

Counter Metrics::cache_not_kept(std::string_view level, std::string_view reason) {
    return Counter{families_->cache_not_kept.Add(Labels{{"level", std::string{level}}, {"reason", std::string{reason}}})};
}

Gauge Metrics::memory_in_flight_bytes() { return Gauge{families_->memory_in_flight.Add({})}; }

Counter Metrics::fallbacks(std::string_view route, std::string_view kind) {
    return Counter{families_->fallbacks.Add(Labels{{"route", std::string{route}}, {"kind", std::string{kind}}})};
}

Counter Metrics::memory_refusals(std::string_view what) {
    return Counter{families_->memory_refusals.Add(Labels{{"what", std::string{what}}})};
}

Counter Metrics::answers_too_large(std::string_view route) {
    return Counter{families_->answers_too_large.Add(Labels{{"route", std::string{route}}})};
}

Gauge Metrics::cache_bytes(std::string_view level) {
    return Gauge{families_->cache_bytes.Add(Labels{{"level", std::string{level}}})};
}

Counter Metrics::ratelimit_decisions(std::string_view tier, std::string_view decision) {
    return Counter{
        families_->ratelimit_decisions.Add(Labels{{"tier", std::string{tier}}, {"decision", std::string{decision}}})};
}

Gauge Metrics::breaker_state(std::string_view dependency) {
    return Gauge{families_->breaker_state.Add(Labels{{"dependency", std::string{dependency}}})};
}

Counter Metrics::breaker_transitions(std::string_view dependency, std::string_view to) {
    return Counter{
        families_->breaker_transitions.Add(Labels{{"dependency", std::string{dependency}}, {"to", std::string{to}}})};
}

Gauge Metrics::db_connections(std::string_view server, std::string_view state) {
    return Gauge{families_->db_connections.Add(Labels{{"server", std::string{server}}, {"state", std::string{state}}})};
}

Histogram Metrics::db_query_seconds(std::string_view server) {
    return Histogram{families_->db_query_seconds.Add(Labels{{"server", std::string{server}}}, query_buckets)};
}

Gauge Metrics::queue_length(std::string_view pool) {
    return Gauge{families_->queue_length.Add(Labels{{"pool", std::string{pool}}})};
}

Histogram Metrics::queue_seconds(std::string_view pool) {
    return Histogram{families_->queue_seconds.Add(Labels{{"pool", std::string{pool}}}, query_buckets)};
}

Gauge Metrics::dependency_up(std::string_view dependency) {
    return Gauge{families_->dependency_up.Add(Labels{{"dependency", std::string{dependency}}})};
}

Counter Metrics::db_collapsed_reads(std::string_view server, std::string_view result) {
    return Counter{
        families_->db_collapsed_reads.Add(Labels{{"server", std::string{server}}, {"result", std::string{result}}})};
}

Gauge Metrics::replica_lag_seconds(std::string_view server) {
    return Gauge{families_->replica_lag_seconds.Add(Labels{{"server", std::string{server}}})};
}

Gauge Metrics::invalidation_poll_age_seconds() { return Gauge{families_->invalidation_poll_age.Add({})}; }

Gauge Metrics::usage_waiting_keys() { return Gauge{families_->usage_waiting_keys.Add({})}; }

Counter Metrics::usage_dropped() { return Counter{families_->usage_dropped.Add({})}; }

Counter Metrics::redis_commands(std::string_view result) {
    return Counter{families_->redis_commands.Add(Labels{{"result", std::string{result}}})};
}

Counter Metrics::upstream_requests(std::string_view upstream, std::string_view result) {
    return Counter{
        families_->upstream_requests.Add(Labels{{"upstream", std::string{upstream}}, {"result", std::string{result}}})};
}

Histogram Metrics::upstream_request_seconds(std::string_view upstream) {
    return Histogram{families_->upstream_request_seconds.Add(Labels{{"upstream", std::string{upstream}}}, http_buckets)};
}

Gauge Metrics::upstream_connections(std::string_view upstream, std::string_view state) {
    return Gauge{
        families_->upstream_connections.Add(Labels{{"upstream", std::string{upstream}}, {"state", std::string{state}}})};
}

Gauge Metrics::upstream_endpoints(std::string_view upstream, std::string_view state) {
    return Gauge{
        families_->upstream_endpoints.Add(Labels{{"upstream", std::string{upstream}}, {"state", std::string{state}}})};
}

Histogram Metrics::loop_lag_seconds() { return Histogram{families_->loop_lag.Add({}, lag_buckets)}; }

Counter Metrics::redis_refusals(std::string_view reason) {
    return Counter{families_->redis_refusals.Add(Labels{{"reason", std::string{reason}}})};
}

std::string Metrics::render() const {
    return prometheus::TextSerializer{}.Serialize(families_->registry.Collect()) + process_metrics();
}

}  // namespace sluice::telemetry
