#include "redis/connection.hpp"

#include "redis/refusal.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::redis {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

/// The timer looks at most this often, however many different deadlines there are.
constexpr Duration timer_resolution = 1ms;
/// A buffer that one large value has blown up is given back.
constexpr std::size_t kept_buffer = std::size_t{1024} * 1024;

std::size_t size_of(std::span<const Command> commands) {
    std::size_t bytes = 0;
    for (const auto command : commands) {
        for (const auto argument : command) bytes += argument.size() + 32;  // its length and line ends
    }
    return bytes;
}

}  // namespace

Connection::Connection(Executor executor, Settings settings, Listener listener)
    : executor_{executor},
      settings_{std::move(settings)},
      listener_{std::move(listener)},
      link_{executor, settings_.address},
      timer_{executor},
      retry_{executor} {}

Connection::~Connection() = default;

void Connection::start() {
    const auto escalate = [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(executor_, run(shared_from_this()), escalate);
    look_ = std::make_shared<const runtime::Pulse::Look>([self = weak_from_this()] {
        if (const auto alive = self.lock()) alive->look();
    });
    runtime::Pulse::join(executor_, look_);
}

void Connection::stop() {
    stopped_ = true;
    timer_.cancel();
    retry_.cancel();
    lose("stopped");
}

awaitable<Reply> Connection::command(Command command, Deadline deadline) {
    co_return co_await pipeline({&command, 1}, deadline);
}

awaitable<Reply> Connection::pipeline(std::span<const Command> commands, Deadline deadline) {
    const auto now = Clock::now();
    if (!up() || commands.empty()) co_return Reply{};
    if (deadline.passed(now)) co_return Reply{Status::timed_out, {}, false};
    if (pending_.owed() + commands.size() > settings_.max_pending) co_return Reply{};
    if (output_.size() + size_of(commands) > settings_.max_output) co_return Reply{};

    for (const auto command : commands) append_command(output_, command);
    flush_later();
    const auto due = std::min(deadline.time(), now + settings_.timeout);
    const auto enqueue = [this, now, due, count = commands.size()](Waiter waiter) {
        pending_.push(now, due, count, std::move(waiter));
        wake_at(due);
    };
    // The waiter resumes with its reply and needs nothing of this object, which may be gone by then.
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(Reply)>(enqueue, use_awaitable);
}

awaitable<void> Connection::run([[maybe_unused]] std::shared_ptr<Connection> self) {
    while (!stopped_) {
        std::string problem = co_await link_.open(connect_patience, settings_.trial);
        if (stopped_) break;
        std::string refused;
        if (problem.empty() && link_.trial_reply().kind == Value::Kind::error) {
            const auto& error = link_.trial_reply().text;
            refused = "trial refused: " + error;
            if (judge_error(error, "EVAL").kind != Refusal::Kind::writes) problem = std::exchange(refused, {});
        }
        if (problem.empty()) {
            opened_ = Clock::now();
            problem_.clear();
            up_.store(true, std::memory_order_relaxed);
            listener_(true, refused);
            problem = co_await read_until_lost();
            lose(problem);
            reconnect_.ended(Clock::now() - opened_);
        } else {
            link_.close();
        }
        if (stopped_) break;
        listener_(false, problem);
        retry_.expires_after(reconnect_.next_wait());
        error_code cancelled;
        co_await retry_.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    link_.close();
}

awaitable<std::string> Connection::read_until_lost() {
    for (;;) {
        std::vector<Value> replies;
        std::string problem = co_await link_.read(replies);
        auto wrong = take(std::move(replies));
        if (!problem_.empty()) co_return problem_;
        if (!problem.empty()) co_return problem;
        if (!wrong.empty()) co_return wrong;
    }
}

// Those that wait are resumed. Returns what is wrong with the replies.
std::string Connection::take(std::vector<Value> replies) {
    std::string problem;
    std::vector<Queue::Ended> ended;
    for (auto& value : replies) {
        if (pending_.owed() == 0) {
            problem = "a reply that nobody asked for";
            break;
        }
        if (auto last = pending_.reply(std::move(value))) ended.push_back(std::move(*last));
    }
    complete(std::move(ended));
    return problem;
}

void Connection::look() {
    if (!up() || pending_.owed() == 0) return;
    std::vector<Value> replies;
    auto problem = link_.read_at_once(replies);
    auto wrong = take(std::move(replies));
    if (problem.empty()) problem = std::move(wrong);
    if (!problem.empty() && up()) lose(problem);
}

void Connection::flush_later() {
    if (flush_posted_ || write_under_way_) return;
    flush_posted_ = true;
    // Behind all that is ready now, so that what it queues leaves in the same write.
    asio::post(executor_, [self = shared_from_this()] {
        self->flush_posted_ = false;
        self->flush();
    });
}

void Connection::flush() {
    if (!up() || write_under_way_ || output_.empty()) return;
    writing_.clear();
    if (writing_.capacity() > kept_buffer) writing_.shrink_to_fit();
    std::swap(writing_, output_);
    write_under_way_ = true;
    auto done = [self = shared_from_this(), session = session_](const error_code& error, std::size_t) {
        if (session != self->session_) return;
        self->write_under_way_ = false;
        if (error) {
            self->lose("cannot write: " + error.message());
        } else {
            self->flush();
        }
    };
    asio::async_write(link_.socket(), asio::buffer(writing_), std::move(done));
}

void Connection::lose(std::string_view problem) {
    if (problem_.empty()) problem_ = problem;
    ++session_;
    up_.store(false, std::memory_order_relaxed);
    write_under_way_ = false;
    output_.clear();
    link_.close();  // also ends the read, and so lets run() go on
    complete(pending_.fail_all());
}

void Connection::drop(std::string_view problem, TimePoint since) {
    if (up() && opened_ <= since) lose(problem);
}

void Connection::wake_at(TimePoint moment) {
    if (moment >= wakes_at_) return;
    wakes_at_ = moment;
    timer_.expires_at(moment);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
        if (!cancelled) self->on_timer();
    });
}

void Connection::on_timer() {
    wakes_at_ = TimePoint::max();
    if (stopped_) return;
    const auto now = Clock::now();
    auto ended = pending_.expire(now);
    if (const auto oldest = pending_.oldest_sent()) {
        const auto too_late = *oldest + settings_.timeout + settings_.overdue;
        if (now < too_late) {
            wake_at(std::max(std::min(pending_.earliest_due(), too_late), now + timer_resolution));
        } else {
            lose("a reply is overdue");
        }
    }
    complete(std::move(ended));
}

void Connection::complete(std::vector<Queue::Ended> ended) {
    for (auto& [waiter, reply] : ended) std::move(waiter)(std::move(reply));
}

}  // namespace sluice::redis
