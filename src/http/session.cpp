#include "http/session.hpp"

#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <ctime>
#include <exception>
#include <random>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

/// How long after its deadline a handler may still return by itself.
constexpr Duration handler_grace = runtime::TimerSweep::resolution + 150ms;
/// What is discarded of a body that the handler did not read, rather than closing the connection.
constexpr std::size_t max_discarded = 64 * 1024;
/// A body buffer beyond this is given back between requests.
constexpr std::size_t max_kept_body = 64 * 1024;

/// Taken for a body on the strength of its Content-Length alone.
constexpr std::size_t max_reserved = 64 * 1024;

constexpr unsigned connection_closed = 0;  // the status of a Refusal that nobody is left to read

/// For answers that no step of the pipeline sees.
std::string make_request_id() {
    thread_local std::mt19937_64 generator{std::random_device{}()};
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string id;
    for (int half = 0; half < 2; ++half) {
        auto bits = generator();
        for (int i = 0; i < 16; ++i, bits >>= 4) id += digits[bits & 15];
    }
    return id;
}

[[noreturn]] void fail(unsigned status, std::string detail) { throw ProblemError{Problem::of(status, std::move(detail))}; }

}  // namespace

Session::Session(Lane& lane, Socket socket)
    : lane_{lane},
      head_limits_{lane.settings.limits.header, lane.settings.limits.target},
      connection_{std::move(socket), lane.loop.sweep, lane.settings.limits.header + 2 * InputBuffer::body_window,
                  [this](Connection::Cause cause) { end_handler(cause); }} {}

Session::~Session() = default;

awaitable<void> Session::run() {
    lane_.sessions.insert(this);
    std::exception_ptr error;
    try {
        co_await serve();
    } catch (...) {
        error = std::current_exception();
    }
    exchange_ = nullptr;
    connection_.close();
    lane_.sessions.erase(this);
    if (error) std::rethrow_exception(error);
}

awaitable<void> Session::serve() {
    for (bool open = true; open;) {
        const auto scan = co_await read_head();
        if (const auto* head = std::get_if<Head>(&scan)) {
            open = co_await answer(*head);
        } else {
            const auto refusal = std::get<Refusal>(scan);
            if (refusal.status != connection_closed) co_await refuse(refusal);
            open = false;
        }
    }
}

awaitable<HeadScan> Session::read_head() {
    const auto& timeouts = lane_.settings.timeouts;
    auto& input = connection_.input();
    std::size_t scanned = 0;
    TimePoint due{};
    for (;;) {
        const auto bytes = input.unread();
        // Without a new line end there is nothing to judge but the length.
        if (bytes.find('\n', scanned) != bytes.npos || bytes.size() > head_limits_.target) {
            HeadScan scan = scan_head(bytes, head_limits_);
            if (!std::holds_alternative<Incomplete>(scan)) co_return scan;
        }
        idle_ = bytes.empty();
        if (idle_ && lane_.draining && !connection_.has_arrivals()) co_return Refusal{connection_closed, {}};
        if (scanned == 0) due = Clock::now() + (idle_ ? timeouts.idle : timeouts.header);
        scanned = bytes.size();
        const auto outcome = co_await connection_.read_more(due);
        idle_ = false;
        if (outcome == IoOutcome::late && scanned > 0) co_return Refusal{408, "The request did not arrive in time."};
        if (outcome == IoOutcome::full) co_return Refusal{431, "The request's header fields are too large."};
        if (outcome != IoOutcome::done) co_return Refusal{connection_closed, {}};
    }
}

awaitable<bool> Session::answer(Head head) {
    auto& input = connection_.input();
    if (head.chunked || head.content_length.value_or(0) > 0) {
        input.make_room_behind(head.end);  // moves the head
        head = std::get<Head>(scan_head(input.unread(), head_limits_));
    }
    Exchange exchange{lane_.loop.executor(), *this};
    exchange.request.headers = std::move(fields_);
    exchange.request.headers.clear();
    if (!parser_.start(input.unread().substr(head.begin, head.end - head.begin), exchange.request.headers)) {
        co_await refuse({400, "The request head is malformed."});
        co_return false;
    }
    input.consume(head.end);
    input.pin();
    fill(exchange, head);
    continue_awaited_ = head.expects_continue && parser_.state() == BodyState::incomplete;
    body_broken_ = false;

    exchange_ = &exchange;
    lane_.pipeline.prepare(exchange);
    watch_handler();
    const Response response = co_await lane_.pipeline.handle(exchange);
    connection_.unwatch();
    exchange_ = nullptr;
    if (handler_cancelled_) {
        handler_cancelled_ = false;
        co_await boost::asio::this_coro::reset_cancellation_state();
    }

    const bool open = co_await send(head, response);
    fields_ = std::move(exchange.request.headers);
    body_.clear();
    if (body_.capacity() > max_kept_body) body_.shrink_to_fit();
    input.unpin();
    co_return open;
}

void Session::fill(Exchange& exchange, const Head& head) {
    auto& request = exchange.request;
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
}

awaitable<bool> Session::send(const Head& head, const Response& response) {
    const bool keep = can_keep(head, response);
    auto persistence = keep ? Persistence::unsaid : Persistence::close;
    if (keep && head.version < 11) persistence = Persistence::keep_alive;
    out_.clear();
    const auto content = append_head(out_, response, lane_.fixed, head.method == Method::head, persistence,
                                     lane_.date.at(std::time(nullptr)));
    const auto patience = lane_.settings.timeouts.request;
    if (co_await connection_.write(out_, content, patience) != IoOutcome::done) co_return false;
    if (keep && co_await discard_body()) co_return true;
    // A client that asked for the close and has sent nothing more cannot be cut off from its answer.
    const bool expected = !head.keep_alive && parser_.state() == BodyState::complete && connection_.input().unread().empty();
    if (!expected) co_await connection_.linger();
    co_return false;
}

/// Whether another request can follow; reads what has already come of a body that the handler left.
bool Session::can_keep(const Head& head, const Response& response) {
    if (!head.keep_alive || response.close || lane_.draining || body_broken_) return false;
    if (parser_.state() == BodyState::complete) return true;
    if (continue_awaited_) return false;  // whether the body will come is up to the client
    const auto read = parser_.body_size();
    feed_parser(nullptr, read + max_discarded);
    if (parser_.state() != BodyState::incomplete) return parser_.state() == BodyState::complete;
    return head.content_length && *head.content_length - read <= max_discarded;
}

awaitable<bool> Session::discard_body() {
    const auto due = Clock::now() + lane_.settings.timeouts.body;
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
        const auto begun = Clock::now();
        co_await receive_body(limit);
        if (exchange_ && !exchange_->deadline.is_never()) {
            exchange_->deadline = Deadline::at(exchange_->deadline.time() + (Clock::now() - begun));
        }
        watch_handler();
    }
    co_return body_;
}

awaitable<void> Session::receive_body(std::size_t limit) {
    const auto& request = exchange_->request;
    if (const auto coding = request.header("Content-Encoding"); coding && !equal_ignoring_case(*coding, "identity")) {
        fail(415, "A request body must not have a content coding.");
    }
    const auto too_large = "The body is larger than " + std::to_string(limit) + " bytes.";
    if (request.content_length.value_or(0) > limit) fail(413, too_large);
    body_broken_ = true;  // until it is complete
    body_.reserve(std::min(request.content_length.value_or(0), max_reserved));
    const auto due = Clock::now() + lane_.settings.timeouts.body;
    if (continue_awaited_ && connection_.input().unread().empty()) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await connection_.write(go_on, {}, lane_.settings.timeouts.request);
    }
    continue_awaited_ = false;
    for (;;) {
        feed_parser(&body_, limit);
        if (parser_.state() == BodyState::too_large) fail(413, too_large);
        if (parser_.state() == BodyState::malformed) fail(400, "The body's chunks are malformed.");
        if (parser_.state() == BodyState::complete) break;
        const auto outcome = co_await connection_.read_more(due);
        if (outcome == IoOutcome::late) fail(408, "The body did not arrive in time.");
        if (outcome == IoOutcome::full) fail(400, "The body's chunks are malformed.");
        if (outcome == IoOutcome::closed) fail(400, "The body ended early.");
    }
    body_broken_ = false;
}

awaitable<void> Session::refuse(Refusal refusal) {
    const auto request_id = make_request_id();
    lane_.metrics.http_requests("malformed", "", refusal.status).add();
    log::debug("malformed_request", {{"status", refusal.status},
                                     {"detail", refusal.detail},
                                     {"client", connection_.remote_address()},
                                     {"request_id", request_id}});
    auto response = to_response(Problem::of(refusal.status, std::string{refusal.detail}), request_id);
    response.headers.add("X-Request-Id", request_id);
    out_.clear();
    const auto content =
        append_head(out_, response, lane_.fixed, false, Persistence::close, lane_.date.at(std::time(nullptr)));
    const auto outcome = co_await connection_.write(out_, content, lane_.settings.timeouts.request);
    if (outcome == IoOutcome::done) co_await connection_.linger();
}

awaitable<void> Session::turn_away() {
    Problem problem = Problem::of(503, "There are too many connections.");
    problem.retry_after = 1s;
    const auto response = to_response(problem, make_request_id());
    const auto content =
        append_head(out_, response, lane_.fixed, false, Persistence::close, lane_.date.at(std::time(nullptr)));
    if (co_await connection_.write(out_, content, 1s) == IoOutcome::done) co_await connection_.linger();
    connection_.close();
}

void Session::begin_drain() noexcept {
    if (idle_ && !connection_.has_arrivals()) connection_.interrupt();
}

void Session::abort() noexcept {
    connection_.close();
    if (exchange_) {
        handler_cancelled_ = true;
        cancel_handler_.emit(boost::asio::cancellation_type::terminal);
    }
}

void Session::watch_handler() noexcept {
    if (exchange_ && !exchange_->deadline.is_never()) connection_.watch(exchange_->deadline.time() + handler_grace);
}

void Session::end_handler(Connection::Cause cause) noexcept {
    if (!exchange_) return;
    exchange_->client_gone = cause == Connection::Cause::gone;
    handler_cancelled_ = true;
    cancel_handler_.emit(boost::asio::cancellation_type::terminal);
}

}  // namespace sluice::http
