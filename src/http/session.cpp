#include "http/session.hpp"

#include "http/body_coding.hpp"
#include "middleware/request_identity.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <ctime>
#include <exception>
#include <utility>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

/// How long after its deadline a handler may still return by itself.
constexpr Duration handler_grace = runtime::TimerSweep::resolution + 150ms;
/// What is discarded of a body that the handler did not read, rather than closing the connection.
constexpr std::size_t max_discarded = 64 * 1024;
/// A body buffer beyond this is given back between requests.
constexpr std::size_t max_kept_body = 64 * 1024;

/// A content up to this is copied behind its head, so that the answers to pipelined requests go out together.
constexpr std::size_t max_copied = 8 * 1024;
/// A buffer of answers beyond this is not kept.
constexpr std::size_t max_kept_answers = 4 * 1024;
/// Answers that wait to be written are at most this and one more.
constexpr std::size_t max_gathered = 64 * 1024;

/// Taken for a body on the strength of its Content-Length alone.
constexpr std::size_t max_reserved = 64 * 1024;

/// What every answer begins with.
constexpr std::string_view start_of_answer = "HTTP/1.1 ";

/// Of each loop; more linger in short.
constexpr std::size_t most_lingering = 1024;

/// For those that read on behind their last answer when a drain begins.
constexpr Duration drain_linger = 1s;

/// A body that is sent at less than the minimum rate for longer, or for a third of all its time, is given up.
constexpr Duration body_patience = 10s;

constexpr unsigned connection_closed = 0;  // the status of a Refusal that nobody is left to read

/// For answers that no step of the pipeline sees.
std::string new_request_id() {
    std::string id;
    middleware::make_request_id(id);
    return id;
}

[[noreturn]] void fail(unsigned status, std::string detail) { throw ProblemError{Problem::of(status, std::move(detail))}; }

}  // namespace

Session::Session(Lane& lane, Socket socket, const ServerSettings& settings)
    : lane_{lane},
      head_limits_{settings.limits.header, settings.limits.target},
      connection_{std::move(socket),
                  lane.loop.sweep,
                  {settings.limits.header + 2 * InputBuffer::body_window, settings.min_rate},
                  [this](Connection::Cause cause) { end_handler(cause); }} {}

Session::~Session() = default;

awaitable<void> Session::run() {
    lane_.sessions.insert(this);
    std::exception_ptr error;
    try {
        co_await serve();
        if (linger_) co_await linger(policy::Lingering{policy::Lingering::for_a_body, Clock::now()});
    } catch (...) {
        error = std::current_exception();
    }
    waiting_ = false;
    connection_.close();
    lane_.sessions.erase(this);
    if (error) std::rethrow_exception(error);
}

awaitable<void> Session::serve() {
    for (bool open = true; open;) {
        auto scan = look_for_head();
        while (std::holds_alternative<Incomplete>(scan)) {
            // All that had arrived is answered: now the answers go out, in one write.
            if (!out_.empty()) {
                const bool idle = std::exchange(idle_, false);  // a drain lets answers that are being written go out
                // A busy client's next request is there once all that is ready had its turn: the first look finds it.
                if (write_at_once())
                    co_await boost::asio::post(use_awaitable);
                else if (!co_await flush({}))
                    co_return;
                idle_ = idle;
                set_head_due();
            }
            if (idle_ && lane_.draining && !connection_.has_arrivals()) co_return;
            boost::system::error_code error;
            const auto size = co_await connection_.start_read(head_due_, error);
            scan = judge_read(connection_.finish_read(error, size));
        }
        if (const auto* refusal = std::get_if<Refusal>(&scan)) {
            if (refusal->status != connection_closed) co_await refuse(*refusal);
            co_return;
        }
        auto& head = std::get<Head>(scan);
        if (!open_exchange(head)) {
            co_await refuse({400, "The request head is malformed."});
            co_return;
        }
        {  // the answer goes before the exchange, and so before what it was made of
            Pipeline::Way way;
            auto response = pin_->pipeline.begin(*exchange_, way);
            if (!response) response.emplace(co_await wait_for(way));
            const bool keep = can_keep(head, *response);
            const auto content = append_answer(head, *response, keep);
            const bool next = keep && parser_.state() == BodyState::complete;
            if (next && content.size() <= max_copied && out_.size() <= max_gathered) {
                out_.append(content);
            } else {
                open = co_await send(head, content, keep);
            }
        }
        close_exchange();
    }
}

HeadScan Session::look_for_head() {
    const auto bytes = connection_.input().unread();
    // Without a new line end there is nothing to judge but the length.
    if (bytes.find('\n', scanned_) != bytes.npos || bytes.size() > head_limits_.target) {
        HeadScan scan = scan_head(bytes, head_limits_);
        if (!std::holds_alternative<Incomplete>(scan)) {
            scanned_ = 0;
            return scan;
        }
    }
    idle_ = bytes.empty();
    if (scanned_ == 0 && out_.empty()) set_head_due();  // else once they are written
    scanned_ = bytes.size();
    return Incomplete{};
}

void Session::set_head_due() noexcept {
    const auto& timeouts = site().settings.timeouts;
    head_due_ = Clock::now() + (idle_ ? timeouts.idle : timeouts.header);
}

HeadScan Session::judge_read(IoOutcome outcome) {
    idle_ = false;
    if (outcome == IoOutcome::late && scanned_ > 0) return Refusal{408, "The request did not arrive in time."};
    if (outcome == IoOutcome::full) return Refusal{431, "The request's header fields are too large."};
    if (outcome != IoOutcome::done) return Refusal{connection_closed, {}};
    return look_for_head();
}

bool Session::open_exchange(Head& head) {
    auto& input = connection_.input();
    if (head.chunked || head.content_length.value_or(0) > 0) {
        input.make_room_behind(head.end);  // moves the head
        head = std::get<Head>(scan_head(input.unread(), head_limits_));
    }
    lane_.pulse.beat();
    BodyReader& reader = *this;
    pin_ = lane_.site.pin();
    auto& exchange = exchange_.emplace(lane_.loop.executor(), reader, lane_.spares.take());
    exchange.pinned = &pin_.shared();
    auto& request = exchange.request;
    if (!parser_.start(input.unread().substr(head.begin, head.end - head.begin), request.headers)) return false;
    input.consume(head.end);
    input.pin();
    request.method = head.method;
    request.version = head.version;
    request.target = head.target;
    request.raw_path = head.raw_path;
    request.raw_query = head.raw_query;
    request.remote_address = connection_.remote_address();
    request.content_length = head.content_length;
    request.chunked = head.chunked;
    exchange.client_address = connection_.remote_address();
    exchange.received = Clock::now();
    continue_awaited_ = head.expects_continue && parser_.state() == BodyState::incomplete;
    body_broken_ = false;
    return true;
}

void Session::close_exchange() {
    lane_.spares.give(std::move(*exchange_).take_spare());
    exchange_.reset();
    pin_.release();
    body_.clear();
    if (body_.capacity() > max_kept_body) body_.shrink_to_fit();
    connection_.input().unpin();
}

/// What was answered before does not wait for this.
awaitable<Response> Session::wait_for(Pipeline::Way& way) {
    // With these cut off, nothing may follow on the connection.
    if (!out_.empty() && !write_at_once() && !co_await flush({})) {
        cut_off_ = true;
        connection_.close();
    }
    waiting_ = true;
    watch_handler();
    auto response = co_await pin_->pipeline.finish(*exchange_, way);
    connection_.unwatch();
    waiting_ = false;
    if (handler_cancelled_) {
        handler_cancelled_ = false;
        co_await boost::asio::this_coro::reset_cancellation_state();
    }
    co_return response;
}

/// Its head; returns the content, if any is to follow.
std::string_view Session::append_answer(const Head& head, const Response& response, bool keep) {
    if (out_.empty()) out_ = lane_.buffers.take();
    auto persistence = keep ? Persistence::unsaid : Persistence::close;
    if (keep && head.version < 11) persistence = Persistence::keep_alive;
    const auto content = append_head(out_, response, site().fixed, head.method == Method::head, persistence,
                                     lane_.date.at(std::time(nullptr)));
    if (begun_ > 0) out_.erase(0, std::exchange(begun_, 0));  // nothing else was waiting
    return content;
}

/// What has been gathered, as far as the kernel takes it now. Whether that is all: then it needed no coroutine.
bool Session::write_at_once() {
    out_.erase(0, connection_.write_now(out_));
    if (out_.empty()) forget_written();
    return out_.empty();
}

/// What has been gathered, and then this.
awaitable<bool> Session::flush(std::string_view content) {
    const auto outcome = co_await connection_.write(out_, content, site().settings.timeouts.request);
    forget_written();
    if (outcome == IoOutcome::late) note_slow("answer");
    co_return outcome == IoOutcome::done;
}

void Session::note_slow(std::string_view direction) {
    lane_.metrics.http_slow_clients(direction).add();
    log::debug("slow_client", {{"direction", direction}, {"client", connection_.remote_address()}});
}

void Session::forget_written() {
    out_.clear();
    if (out_.capacity() <= max_kept_answers) lane_.buffers.give(std::move(out_));
    out_ = {};
}

/// Whether the connection stays open.
awaitable<bool> Session::send(const Head& head, std::string_view content, bool keep) {
    if (!co_await flush(content)) co_return false;
    if (keep && co_await discard_body()) co_return true;
    // A client that asked for the close and has sent nothing more cannot be cut off from its answer.
    const bool expected = !head.keep_alive && parser_.state() == BodyState::complete && connection_.input().unread().empty();
    linger_ = !expected;
    co_return false;
}

/// Whether another request can follow; reads what has already come of a body that the handler left.
bool Session::can_keep(const Head& head, const Response& response) {
    if (!head.keep_alive || response.close || lane_.closing || body_broken_ || cut_off_) return false;
    if (parser_.state() == BodyState::complete) return true;
    if (continue_awaited_) return false;  // whether the body will come is up to the client
    const auto read = parser_.body_size();
    feed_parser(nullptr, read + max_discarded);
    if (parser_.state() != BodyState::incomplete) return parser_.state() == BodyState::complete;
    return head.content_length && *head.content_length - read <= max_discarded;
}

awaitable<bool> Session::discard_body() {
    const auto due = Clock::now() + site().settings.timeouts.body;
    while (parser_.state() == BodyState::incomplete) {
        if (co_await connection_.read_more(due) != IoOutcome::done) co_return false;
        feed_parser(nullptr, parser_.body_size() + max_discarded);
    }
    co_return parser_.state() == BodyState::complete;
}

void Session::feed_parser(std::string* sink, std::size_t limit) {
    auto& input = connection_.input();
    input.consume(parser_.feed(input.unread(), sink, limit));
}

awaitable<std::string_view> Session::read(std::size_t limit) {
    if (parser_.state() == BodyState::incomplete) {
        refuse_coded(exchange_->request);
        co_await receive_body(limit, &body_);
    }
    co_return body_;
}

awaitable<void> Session::skip(std::size_t limit) {
    if (parser_.state() == BodyState::incomplete) co_await receive_body(limit, nullptr);
}

awaitable<void> Session::receive_body(std::size_t limit, std::string* sink) {
    const auto& request = exchange_->request;
    const auto too_large = "The body is larger than " + std::to_string(limit) + " bytes.";
    if (request.content_length.value_or(0) > limit) fail(413, too_large);
    body_broken_ = true;  // until it is complete
    if (sink) sink->reserve(std::min(request.content_length.value_or(0), max_reserved));
    const auto begun = Clock::now();
    const auto due = begun + site().settings.timeouts.body;
    if (continue_awaited_ && begun_ == 0 && connection_.input().unread().empty()) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await connection_.write(go_on, {}, site().settings.timeouts.request);
    }
    continue_awaited_ = false;
    const Duration whole = site().settings.timeouts.body;
    const auto patience = site().settings.min_rate > 0 ? std::min(body_patience, whole / 3) : whole;
    policy::MinimumRate pace{site().settings.min_rate, patience, begun};
    for (;;) {
        const auto before = connection_.input().unread().size();
        feed_parser(sink, limit);
        if (parser_.state() == BodyState::too_large) fail(413, too_large);
        if (parser_.state() == BodyState::malformed) fail(400, "The body's chunks are malformed.");
        if (parser_.state() == BodyState::complete) break;
        if (site().settings.min_rate > 0) pace.moved(before - connection_.input().unread().size(), Clock::now());
        const auto outcome = co_await connection_.read_more(std::min(due, pace.due()));
        if (outcome == IoOutcome::late && pace.due() < due) note_slow("body");
        if (outcome == IoOutcome::late) fail(408, "The body did not arrive in time.");
        if (outcome == IoOutcome::full) fail(400, "The body's chunks are malformed.");
        if (outcome == IoOutcome::closed) fail(400, "The body ended early.");
    }
    body_broken_ = false;
    if (!exchange_->deadline.is_never()) {
        exchange_->deadline = Deadline::at(exchange_->deadline.time() + (Clock::now() - begun));
    }
    watch_handler();
}

awaitable<void> Session::refuse(Refusal refusal) {
    const auto request_id = new_request_id();
    auto problem = Problem::of(refusal.status, std::string{refusal.detail});
    if (const auto& count = site().count_refused) {
        const auto wait = count(connection_.remote_address(), connection_.input().unread());
        if (wait) {
            problem = Problem::of(429, "Too many requests were refused.");
            problem.retry_after = *wait;
        }
    }
    lane_.metrics.http_requests("malformed", "", problem.status).add();
    log::debug("malformed_request", {{"status", problem.status},
                                     {"detail", refusal.detail},
                                     {"client", connection_.remote_address()},
                                     {"request_id", request_id}});
    auto response = to_response(problem, request_id);
    response.headers.add("X-Request-Id", request_id);
    const auto content =
        append_head(out_, response, site().fixed, false, Persistence::close, lane_.date.at(std::time(nullptr)));
    linger_ = co_await flush(content);
}

awaitable<void> Session::turn_away() {
    Problem problem = Problem::of(503, "There are too many connections.");
    problem.retry_after = 1s;
    const auto response = to_response(problem, new_request_id());
    const auto content =
        append_head(out_, response, site().fixed, false, Persistence::close, lane_.date.at(std::time(nullptr)));
    if (co_await connection_.write(out_, content, 1s) == IoOutcome::done)
        co_await linger(policy::Lingering{policy::Lingering::in_short, Clock::now()});
    connection_.close();
}

awaitable<void> Session::linger(policy::Lingering budget) {
    const bool in_short = lane_.draining || lane_.lingering >= most_lingering;
    if (in_short) budget = policy::Lingering{policy::Lingering::in_short, Clock::now()};
    struct Counted {
        explicit Counted(std::size_t& the_count) : count{the_count} { ++count; }
        ~Counted() { --count; }
        std::size_t& count;
    };
    const Counted counted{lane_.lingering};
    lingering_ = true;
    connection_.finish_sending();
    while (!budget.over()) {
        const auto size = co_await connection_.discard(std::min(budget.due(), linger_end_));
        if (!size) break;
        budget.discarded(*size, Clock::now());
    }
    lingering_ = false;
}

void Session::begin_drain() noexcept {
    if (idle_ && !connection_.has_arrivals()) connection_.interrupt();
    if (!lingering_) return;
    linger_end_ = Clock::now() + drain_linger;
    connection_.hurry(linger_end_);
}

void Session::abort() noexcept {
    connection_.close();
    if (waiting_) {
        handler_cancelled_ = true;
        cancel_handler_.emit(boost::asio::cancellation_type::terminal);
    }
}

void Session::watch_handler() noexcept {
    if (waiting_ && !exchange_->deadline.is_never()) connection_.watch(exchange_->deadline.time() + handler_grace);
}

void Session::end_handler(Connection::Cause cause) noexcept {
    if (!waiting_) return;
    if (cause == Connection::Cause::finished) {
        begun_ = connection_.write_now(start_of_answer);
        return;
    }
    exchange_->client_gone = cause == Connection::Cause::gone;
    handler_cancelled_ = true;
    cancel_handler_.emit(boost::asio::cancellation_type::terminal);
}

}  // namespace sluice::http
