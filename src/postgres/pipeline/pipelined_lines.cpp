// The half of PipelinedReads that looks after its connections: new and lost ones, slow ones, and who waits too long.
#include "policy/batch_rules.hpp"
#include "postgres/pipeline/pipelined_reads.hpp"

#include <algorithm>
#include <utility>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;

constexpr Duration tick = 5ms;
constexpr Duration look_again = 5s;

}  // namespace

PipelinedReads::Line& PipelinedReads::line_of(const PipelinedConnection& connection) {
    return *std::find_if(lines_.begin(), lines_.end(),
                         [&](const Line& line) { return line.connection.get() == &connection; });
}

void PipelinedReads::show(Line& line, bool busy) {
    if (line.busy == busy) return;
    line.busy = busy;
    (busy ? idle_ : busy_).add(-1);
    (busy ? busy_ : idle_).add(1);
}

void PipelinedReads::adopt(std::unique_ptr<Session> session) {
    if (stopped_) return;
    try {
        PipelinedConnection::Owner& owner = *this;
        auto made = std::make_shared<PipelinedConnection>(executor_, std::move(session), owner);
        lines_.push_back({made});
        made->start();
    } catch (const std::exception&) {
        events_.gone();
        return give_back();
    }
    down_.add(-1);
    idle_.add(1);
    looked_for_labels_ = Clock::now();
    if (look_) return;
    look_ = std::make_shared<const runtime::Pulse::Look>([self = weak_from_this()] {
        if (const auto alive = self.lock()) alive->look();
    });
    runtime::Pulse::join(executor_, look_);
}

void PipelinedReads::look() {
    std::vector<std::shared_ptr<PipelinedConnection>> busy;  // the lines may go meanwhile
    for (const auto& line : lines_) {
        if (!line.connection->idle()) busy.push_back(line.connection);
    }
    for (const auto& connection : busy) connection->look();
}

void PipelinedReads::remove(const PipelinedConnection& connection) {
    auto& line = line_of(connection);
    show(line, false);
    idle_.add(-1);
    down_.add(1);
    if (!line.given_up) events_.gone();
    lines_.erase(lines_.begin() + (&line - lines_.data()));
    give_back();
}

void PipelinedReads::give_one_up() {
    auto& line = lines_.back();
    line.leaving = true;
    line.given_up = true;
    let_go();
    resume();
}

bool PipelinedReads::take_missing() noexcept {
    auto missing = missing_.load(std::memory_order_relaxed);
    while (missing > 0) {
        if (missing_.compare_exchange_weak(missing, missing - 1, std::memory_order_relaxed)) return true;
    }
    return false;
}

// Only a new session looks whether the schema is there.
void PipelinedReads::look_again_for_labels(TimePoint now) {
    if (now - looked_for_labels_ < look_again) return;
    looked_for_labels_ = now;
    for (auto& line : lines_) line.leaving = true;
}

void PipelinedReads::let_go() {
    for (;;) {
        const auto line = std::find_if(lines_.begin(), lines_.end(), [](const Line& candidate) {
            return candidate.leaving && candidate.connection->idle() && !candidate.cancelling;
        });
        if (line == lines_.end()) return;
        const auto connection = line->connection;
        connection->give_up("it is made anew, or needed elsewhere");
    }
}

bool PipelinedReads::stuck() const noexcept {
    return std::all_of(lines_.begin(), lines_.end(), [](const Line& line) {
        return line.cancelling || line.leaving || (line.slow && !line.connection->idle());
    });
}

void PipelinedReads::stop() {
    const auto self = shared_from_this();
    stopped_ = true;
    look_.reset();
    timer_.cancel();
    tell_waiting(Turn::answered);
    for (auto& line : std::exchange(lines_, {})) {
        show(line, false);
        idle_.add(-1);
        down_.add(1);
        for (const auto& read : line.connection->batch()) {
            tell(*read, {DatabaseError{DatabaseError::Kind::unavailable, {}, "stopping"}});
        }
        line.connection->close();
    }
    resume();
}

void PipelinedReads::watch() {
    if (watching_ || stopped_) return;
    const bool under_way = std::any_of(lines_.begin(), lines_.end(),
                                       [](const Line& line) { return !line.connection->idle() || line.cancelling; });
    if (!under_way && waiting_.empty()) return;
    watching_ = true;
    timer_.expires_after(tick);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
        self->watching_ = false;
        if (!cancelled) self->on_tick();
    });
}

void PipelinedReads::on_tick() {
    if (stopped_) return;
    const auto now = Clock::now();
    for (const auto& read : waiting_) expire(*read, now, *this);
    std::erase_if(waiting_, [](const ReadPointer& read) { return read->given_up(); });
    std::vector<std::shared_ptr<PipelinedConnection>> dead;
    for (auto& line : lines_) {
        if (line.connection->idle()) continue;
        look_after(line, now);
        const auto so_far = now - line.connection->sent_at();
        if (policy::is_batch_lost(so_far, settings_.timeout, Session::patience)) dead.push_back(line.connection);
    }
    for (const auto& connection : dead) connection->give_up("the server does not answer in time");
    dispatch();
    resume();
}

void PipelinedReads::expire(PipelinedRead& read, TimePoint now, PipelinedReads& self) {
    if (!read.waiter || !read.deadline.passed(now)) return;
    self.tell(read, {DatabaseError{DatabaseError::Kind::timed_out, {}, "no answer in time"}});
}

// The read that a cancel hits goes to a worker, and what is skipped for it is sent again.
void PipelinedReads::look_after(Line& line, TimePoint now) {
    auto& connection = *line.connection;
    const auto so_far = now - connection.sent_at();
    bool wanted = false;
    for (const auto& read : connection.batch()) {
        expire(*read, now, *this);
        wanted = wanted || !read->given_up();
    }
    const auto care = policy::care_for(so_far, wanted, connection.unanswered(), line.slow);
    line.slow = line.slow || care.slow;
    for (const auto& read : connection.batch()) {
        if (care.blame_it && !read->given_up()) read->pace.held_up(so_far);
        if (care.ask_workers && read->waiter && events_.workers_have_room()) turn_to_worker(*read);
    }
    if (care.cancel) cancel(line, now);
}

// Whoever is hit, it harms nobody: a read that is still wanted is done by a worker, and nothing new is sent there until the
// server has taken the question.
void PipelinedReads::cancel(Line& line, TimePoint now) {
    if (line.cancelling || now < line.cancel_again) return;
    line.cancelling = true;
    for (const auto& read : line.connection->batch()) read->disturbed = true;
    line.cancel_again = now + Session::patience;
    events_.cancel(line.connection->backend(), [self = weak_from_this(), connection = std::weak_ptr{line.connection}] {
        const auto reads = self.lock();
        const auto cancelled = connection.lock();
        if (!reads || !cancelled || reads->stopped_) return;
        for (auto& other : reads->lines_) {
            if (other.connection == cancelled) other.cancelling = false;
        }
        reads->dispatch();
        reads->resume();
    });
}

}  // namespace sluice::postgres
