#include "postgres/pool/replica_pool.hpp"

#include "policy/connection_split.hpp"
#include "policy/replica_choice.hpp"
#include "postgres/connection/pooler.hpp"
#include "postgres/pool/server.hpp"
#include "postgres/pool/server_question.hpp"
#include "postgres/schema/known_primary.hpp"
#include "postgres/workers/statement_table.hpp"
#include "runtime/random_bits.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

namespace sluice::postgres {
namespace {

using Result = boost::system::result<QueryResult, DatabaseError>;

DatabaseError failure(DatabaseError::Kind kind, std::string message) { return {kind, {}, std::move(message)}; }

}  // namespace

class ReplicaPool::Impl {
public:
    Impl(PostgresSettings settings, telemetry::Metrics& metrics, OnInvalidations on_invalidations,
         const std::vector<Executor>& loops)
        : settings_{std::move(settings)} {
        const unsigned connections = std::max(1U, settings_.pool);
        const unsigned writers = (connections + 1) / 2;
        Server::Events events{std::move(on_invalidations)};
        const auto add_server = [&](Server::Settings made, unsigned readers) {
            // What is pipelined are texts that a session has prepared, which a pooler does not keep.
            const auto pipelining = is_behind_pooler(made.url) ? 0 : static_cast<unsigned>(loops.size());
            const auto split = policy::split_readers(readers, pipelining);
            made.readers = split.workers;
            made.readers_per_loop = split.per_loop;
            made.timeout = settings_.timeout;
            servers_.push_back(std::make_unique<Server>(std::move(made), known_, *statements_, loops, metrics, events));
        };
        add_server({.name = "primary", .url = settings_.primary, .primary = true, .writers = writers},
                   std::max(1U, connections - writers));
        for (const auto& replica : settings_.replicas) {
            add_server({.name = "replica-" + std::to_string(servers_.size()), .url = replica.url, .weight = replica.weight},
                       connections);
        }
    }

    ~Impl() { stop(); }

    StatementId add(StatementSpec spec) { return statements_->add(std::move(spec)); }

    void start() {
        for (auto& server : servers_) server->start();
    }

    void stop() {
        stopping_ = true;
        for (auto& server : servers_) server->stop();
    }

    awaitable<Result> run(Query query, Deadline deadline) {
        const auto executor = co_await boost::asio::this_coro::executor;
        const auto& known = StatementTable::of(query.statement);
        const auto& statement = known.statement;
        if (query.values.size() != statement.spec().parameters.size()) {
            throw std::invalid_argument{statement.spec().name + ": one value per parameter is needed"};
        }
        deadline = deadline.sooner(Deadline::after(Clock::now(), settings_.timeout));
        const auto* shown = query.condition ? &StatementTable::of(query.condition->read.statement).statement : nullptr;
        auto shared = std::make_shared<const Query>(std::move(query));
        const Server* tried = nullptr;
        for (;;) {
            auto chosen = choose(statement, *shared, tried);
            if (!chosen) co_return failure(DatabaseError::Kind::unavailable, "no server is available");
            auto& server = *chosen->server;
            const Asked asked{statement, known.pace, shared, deadline, executor, tried == &server, shown};
            auto reply = co_await ask(server, std::move(chosen->permit), asked, stopping_);
            if (reply.result) reply.result->from_primary = server.primary();
            if (reply.behind && !shared->primary) {
                auto there = *shared;
                there.primary = true;
                shared = std::make_shared<const Query>(std::move(there));
                continue;
            }
            // Reading twice harms nobody. A second server is enough: if that is away too, the caller has waited long.
            const bool again = reply.try_elsewhere && statement.spec().read_only && tried == nullptr && !stopping_ &&
                               !deadline.passed(Clock::now());
            if (!again) co_return std::move(reply.result);
            tried = &server;
        }
    }

    void primary_polled(const Poll& poll) {
        const bool another = known_.history() != poll.history;
        known_.polled(poll);
        if (!another) return;
        for (auto& server : servers_) server->review_standing();
    }

    void make_room(const char* reason) { primary().make_room(reason); }

    std::vector<ServerStatus> status() const {
        std::vector<ServerStatus> all;
        const auto now = Clock::now();
        for (const auto& server : servers_) {
            all.push_back({server->name(), server->presence() == Server::Presence::answers, server->breaker().state(now),
                           server->primary() ? std::nullopt : server->lag(), server->standing(), server->takes_writes()});
        }
        return all;
    }

private:
    struct Choice {
        Server* server;
        policy::CircuitBreaker::Permit permit;
    };

    Server& primary() { return *servers_.front(); }

    std::optional<Choice> choose(const sql::Statement& statement, const Query& query, const Server* tried) {
        const auto now = Clock::now();
        const auto& spec = statement.spec();
        // A standby of another history cannot be compared with the position.
        const bool comparable = !query.after || query.after->history == known_.history();
        if (spec.read_only && !spec.on_primary && !query.primary && comparable) {
            if (auto replica = choose_replica(now, tried)) return replica;
        }
        // None left, or none wanted: the primary, also for a second time when there is nobody else.
        auto permit = primary().breaker().try_acquire(now);
        if (!permit) return std::nullopt;
        return Choice{&primary(), std::move(*permit)};
    }

    std::optional<Choice> choose_replica(TimePoint now, const Server* tried) {
        std::vector<policy::Candidate> candidates;
        candidates.reserve(servers_.size());
        for (std::size_t i = 1; i < servers_.size(); ++i) {
            const auto& server = *servers_[i];
            const bool usable = &server != tried && server.presence() != Server::Presence::away &&
                                is_replica(server.standing()) &&
                                server.breaker().state(now) != policy::CircuitBreaker::State::open;
            candidates.push_back({server.weight(), server.outstanding_reads(), lag_for_choice(server), usable});
        }
        while (const auto index = policy::choose_replica(candidates, settings_.max_lag, runtime::random_bits())) {
            auto& server = *servers_[*index + 1];
            if (auto permit = server.breaker().try_acquire(now)) return Choice{&server, std::move(*permit)};
            candidates[*index].usable = false;  // half-open, and its probes are under way
        }
        return std::nullopt;
    }

    // A replica that was not asked yet is taken for good: at a start without a primary it is all there is.
    static Duration lag_for_choice(const Server& server) {
        if (server.presence() == Server::Presence::unknown) return Duration::zero();
        return server.lag().value_or(Duration::max());
    }

    const PostgresSettings settings_;
    const std::shared_ptr<StatementTable> statements_ = std::make_shared<StatementTable>();
    KnownPrimary known_;
    std::atomic<bool> stopping_{false};
    std::vector<std::unique_ptr<Server>> servers_;  // the primary first; last: its threads use all the others
};

ReplicaPool::ReplicaPool(PostgresSettings settings, telemetry::Metrics& metrics, OnInvalidations on_invalidations,
                         std::vector<Executor> loops)
    : impl_{std::make_unique<Impl>(std::move(settings), metrics, std::move(on_invalidations), loops)} {}

ReplicaPool::~ReplicaPool() = default;

StatementId ReplicaPool::add(StatementSpec spec) { return impl_->add(std::move(spec)); }

awaitable<Result> ReplicaPool::run(Query query, Deadline deadline) { return impl_->run(std::move(query), deadline); }

void ReplicaPool::start() { impl_->start(); }

void ReplicaPool::stop() { impl_->stop(); }

void ReplicaPool::primary_polled(const Poll& poll) { impl_->primary_polled(poll); }

void ReplicaPool::make_room(const char* reason) { impl_->make_room(reason); }

std::vector<ServerStatus> ReplicaPool::status() const { return impl_->status(); }

}  // namespace sluice::postgres
