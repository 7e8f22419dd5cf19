#include "postgres/pipeline/pipelined_reads.hpp"

#include "policy/batch_rules.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace sluice::postgres {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::size_t most_waiting_per_connection = 512;
constexpr Duration good_for_a_while = 1s;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Duration expected(const PipelinedConnection::Batch& batch) {
    Duration sum{0};
    for (const auto& read : batch) sum += read->pace.mean();
    return sum;
}

Reply no_worker() { return {DatabaseError{DatabaseError::Kind::overloaded, {}, "every connection is busy"}}; }

}  // namespace

PipelinedReads::PipelinedReads(Executor executor, Settings settings, telemetry::Metrics& metrics, Events events)
    : executor_{executor},
      settings_{std::move(settings)},
      events_{std::move(events)},
      down_{metrics.db_connections(settings_.server, "down")},
      idle_{metrics.db_connections(settings_.server, "idle")},
      busy_{metrics.db_connections(settings_.server, "busy")},
      seconds_{metrics.db_query_seconds(settings_.server)},
      collapsed_{metrics.db_collapsed_reads(settings_.server, "answered")},
      repeated_{metrics.db_collapsed_reads(settings_.server, "repeated")},
      missing_{settings_.connections},
      timer_{executor} {
    down_.add(settings_.connections);
}

// Whoever still waits is on a loop that runs no more: a read and its waiter own each other.
PipelinedReads::~PipelinedReads() {
    for (const auto& read : waiting_) read->waiter.reset();
    for (const auto& line : lines_) {
        for (const auto& read : line.connection->batch()) read->waiter.reset();
    }
}

awaitable<PipelinedRead::Turn> PipelinedReads::read(ReadPointer read) {
    if (stopped_ || stuck() || waiting_.size() >= lines_.size() * most_waiting_per_connection) co_return Turn::to_worker;
    const auto enqueue = [this, read](PipelinedRead::Waiter waiter) {
        auto slot = asio::get_associated_cancellation_slot(waiter);
        read->waiter.emplace(std::move(waiter));
        if (slot.is_connected()) {
            slot.assign([self = weak_from_this(), weak = std::weak_ptr{read}](asio::cancellation_type) {
                const auto reads = self.lock();
                if (const auto cancelled = weak.lock(); cancelled && reads) reads->abandon(*cancelled);
            });
        }
        waiting_.push_back(read);
        dispatch_later();
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(Turn)>(enqueue, use_awaitable);
}

void PipelinedReads::abandon(PipelinedRead& read) {
    if (!read.waiter) return;
    tell(read, {DatabaseError{DatabaseError::Kind::timed_out, {}, "nobody waits for it any more"}});
    asio::post(executor_, [self = shared_from_this()] { self->resume(); });
}

// Behind all that is ready now, so that what it asks leaves in the same batch.
void PipelinedReads::dispatch_later() {
    if (dispatch_posted_) return;
    dispatch_posted_ = true;
    asio::post(executor_, [self = shared_from_this()] {
        self->dispatch_posted_ = false;
        self->dispatch();
        self->resume();
    });
}

void PipelinedReads::dispatch() {
    const auto now = Clock::now();
    let_go();
    while (!waiting_.empty()) {
        auto* line = free_line(now);
        if (line == nullptr) break;
        auto batch = next_batch();
        if (batch.empty()) break;
        line->slow = false;
        show(*line, true);
        const auto connection = line->connection;  // the line may go
        const bool labelled =
            std::any_of(batch.begin(), batch.end(), [](const ReadPointer& read) { return read->statement.spec().labelled; });
        if (labelled && !connection->labels()) look_again_for_labels(now);
        connection->send(std::move(batch));
    }
    if (stuck()) tell_waiting(Turn::to_worker);
    watch();
}

PipelinedReads::Line* PipelinedReads::free_line(TimePoint now) {
    policy::LineChoice choice{now};
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        const auto& line = lines_[i];
        const auto& connection = *line.connection;
        choice.consider(
            i, {!line.cancelling && !line.leaving, connection.idle(), connection.sent_at(), expected(connection.batch())});
    }
    for (auto read = waiting_.begin(); read != waiting_.end() && !choice.decided(); ++read)
        choice.add_waiting((*read)->pace.mean());
    const auto chosen = choice.chosen();
    return chosen ? &lines_[*chosen] : nullptr;
}

PipelinedConnection::Batch PipelinedReads::next_batch() {
    PipelinedConnection::Batch batch;
    batch.reserve(std::min(waiting_.size(), policy::BatchSize::most));
    policy::BatchSize size;
    while (!waiting_.empty() && size.has_room()) {
        auto read = std::move(waiting_.front());
        waiting_.pop_front();
        if (read->given_up()) continue;
        size.add(read->pace.mean());
        read->under_way = true;
        batch.push_back(std::move(read));
    }
    return batch;
}

void PipelinedReads::answered(PipelinedRead& read, QueryResult result, PipelinedConnection::Took took) {
    read.permit.succeed();
    // Disturbed, it is another's time.
    if (!read.disturbed) read.pace.observe(policy::counted_share(took.share, took.collapsed, read.pace.mean()));
    seconds_.observe(seconds(took.whole));
    tell(read, {std::move(result)});
}

void PipelinedReads::failed(PipelinedRead& read, const SqlError& error, PipelinedConnection::Took took) {
    seconds_.observe(seconds(took.whole));
    const auto verdict = judge(error.sqlstate());
    const bool cancelled = verdict == Verdict::timed_out && read.disturbed;
    if (cancelled) read.pace.held_up(took.whole);
    // For a worker, who has time.
    if (cancelled && read.waiter) {
        read.under_way = false;
        return turn_to_worker(read);
    }
    if (verdict == Verdict::timed_out) {
        read.permit.abandon();  // it answers, so it is there; but that was no success either
    } else {
        read.permit.succeed();
    }
    if (cancelled) return tell(read, no_worker());  // by us, who found no worker for it
    // A standby gives up reads that hold up what it has to replay; another server has no such conflict.
    tell(read, {to_database_error(error), verdict == Verdict::retry});
}

// A worker, who has time, fetches it, or learns by how much it is too long.
void PipelinedReads::outgrown(PipelinedRead& read, PipelinedConnection::Took took) {
    seconds_.observe(seconds(took.whole));
    if (read.statement.longest() > longest_on_loop) read.pace.outgrew();
    if (read.waiter) {
        read.under_way = false;
        return turn_to_worker(read);
    }
    read.permit.succeed();
    tell(read, no_worker());
}

void PipelinedReads::collapsed(std::size_t reads, bool failed) {
    (failed ? repeated_ : collapsed_).add(static_cast<double>(reads));
}

void PipelinedReads::progressed(PipelinedConnection& connection) {
    if (connection.idle()) {
        auto& line = line_of(connection);
        show(line, false);
        dispatch();
    }
    resume();
}

void PipelinedReads::lost(PipelinedConnection& connection, const std::string& reason,
                          const PipelinedConnection::Batch& reads) {
    const auto self = shared_from_this();
    const auto now = Clock::now();
    const bool stopping = stopped_ || events_.stopping();
    // One connection is one failure, however many reads it takes with it.
    if (!stopping && !reads.empty()) reads.front()->permit.fail(now);
    for (const auto& read : reads) {
        read->permit.abandon();
        const auto kind = read->deadline.passed(now) ? DatabaseError::Kind::timed_out : DatabaseError::Kind::unavailable;
        tell(*read, {DatabaseError{kind, {}, reason}, true});
    }
    const bool was_good = now - connection.made_at() >= good_for_a_while;
    remove(connection);
    if (stuck()) tell_waiting(Turn::to_worker);
    if (was_good && !stopping) events_.missing();
    asio::post(executor_, [self] { self->resume(); });
}

void PipelinedReads::tell(PipelinedRead& read, Reply reply) {
    if (read.waiter) {
        read.reply.emplace(std::move(reply));
        told_.emplace_back(std::move(*read.waiter), Turn::answered);
        read.waiter.reset();
    } else if (read.late && !(read.also_by_worker && reply.result.has_error())) {
        read.late->set(std::move(reply));
        read.late.reset();
    }
}

void PipelinedReads::turn_to_worker(PipelinedRead& read) {
    told_.emplace_back(std::move(*read.waiter), Turn::to_worker);
    read.waiter.reset();
}

void PipelinedReads::tell_waiting(Turn turn) {
    for (const auto& read : waiting_) {
        if (!read->waiter) continue;
        if (turn == Turn::to_worker) {
            turn_to_worker(*read);
        } else {
            tell(*read, {DatabaseError{DatabaseError::Kind::unavailable, {}, "stopping"}});
        }
    }
    waiting_.clear();
}

// Last of all: whoever is resumed may ask again.
void PipelinedReads::resume() {
    while (!told_.empty()) {
        auto told = std::exchange(told_, {});
        for (auto& [waiter, turn] : told) {
            asio::get_associated_cancellation_slot(waiter).clear();
            std::move(waiter)(turn);
        }
    }
}

}  // namespace sluice::postgres
