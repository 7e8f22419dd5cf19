#include "upstream/relay.hpp"

#include "runtime/timer_sweep.hpp"
#include "upstream/answer_body.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <optional>
#include <utility>

namespace sluice::upstream {
namespace {

using Kind = UpstreamError::Kind;
using Failure = Conversation::Failure;

/// How long a service may take to say `100 Continue` before its body comes all the same (RFC 9110 section 10.1.1).
constexpr Duration continue_patience = std::chrono::seconds{1};

/// The two directions of one request. Each runs as a coroutine of its own, on one loop; neither outlives `run`.
class Relay {
public:
    Relay(Executor executor, Line& line, const RelayRequest& request, Streams& streams)
        : line_{line}, request_{request}, streams_{streams}, gate_{executor} {}

    awaitable<boost::system::result<UpstreamHead, Failure>> run(Conversation::Ending& ending) {
        using namespace boost::asio::experimental::awaitable_operators;
        touch();
        if (streams_.source == nullptr) {
            unsent_ = co_await line_.write(request_.head, request_.body);
            all_sent_ = !unsent_;
            failure_ = co_await receive_all();
        } else {
            // Reading decides when it is over; what then is still being sent is of no interest to the service.
            co_await (send() || receive());
            if (thrown_) std::rethrow_exception(thrown_);
        }
        ending = ending_;
        if (failure_) co_return std::move(*failure_);
        co_return std::move(head_);
    }

private:
    // The moment at which the service has to have done something. While a client is waited for there is none.
    void touch() {
        if (waiting_for_client_ > 0) return line_.never_end();
        auto until = Deadline::after(Clock::now(), request_.patience);
        if (!began_) until = until.sooner(request_.head_by);
        line_.end_at(until.time());
    }

    /// As long as it lives, nothing is the service's fault.
    class ClientsTurn {
    public:
        explicit ClientsTurn(Relay& relay) : relay_{relay} {
            ++relay_.waiting_for_client_;
            relay_.touch();
        }
        ~ClientsTurn() {
            --relay_.waiting_for_client_;
            relay_.touch();
        }
        ClientsTurn(const ClientsTurn&) = delete;
        ClientsTurn& operator=(const ClientsTurn&) = delete;

    private:
        Relay& relay_;
    };

    // Ends only by being cancelled.
    awaitable<void> send() {
        try {
            unsent_ = co_await line_.write(request_.head, {});
            if (!unsent_) {
                if (request_.expects_continue) co_await wait_for_continue();
                co_await send_pieces();
            }
            all_sent_ = !unsent_;
        } catch (...) {
            // Not if it was cancelled from outside: then the other direction is, too.
            thrown_ = std::current_exception();
            line_.close();
        }
        co_await wait_at_gate(Deadline::never());
    }

    awaitable<void> wait_for_continue() {
        if (continued_) co_return;
        waits_for_continue_ = true;
        co_await wait_at_gate(Deadline::after(Clock::now(), continue_patience));
        waits_for_continue_ = false;
    }

    awaitable<void> send_pieces() {
        streams_.source_asked = true;
        const bool chunked = !streams_.source->length();
        auto left = streams_.source->length().value_or(0);
        while (chunked || left > 0) {
            std::string_view piece;
            {
                const ClientsTurn turn{*this};
                piece = co_await streams_.source->next();
            }
            if (!chunked && piece.size() > left) break;  // more than was announced would be another request
            left -= chunked ? 0 : piece.size();
            if (piece.empty()) break;
            if (chunked)
                unsent_ = co_await write_chunk(piece);
            else
                unsent_ = co_await line_.write(piece, {});
            if (unsent_) co_return;
            touch();
        }
        if (chunked) unsent_ = co_await line_.write("0\r\n\r\n", {});
        if (left > 0) unsent_ = boost::asio::error::connection_aborted;
        // What is announced and does not come must not be taken from what comes next.
        if (left > 0) line_.close();
    }

    awaitable<Line::Error> write_chunk(std::string_view piece) {
        std::array<char, 20> text{};
        auto* end = std::to_chars(text.data(), text.data() + text.size() - 2, piece.size(), 16).ptr;
        *end++ = '\r';
        *end++ = '\n';
        const std::string_view size{text.data(), static_cast<std::size_t>(end - text.data())};
        if (const auto error = co_await line_.write(size, piece)) co_return error;
        co_return co_await line_.write("\r\n", {});
    }

    awaitable<void> wait_at_gate(Deadline deadline) {
        gate_.expires_at(deadline.time());
        boost::system::error_code ignored;
        co_await gate_.async_wait(boost::asio::redirect_error(use_awaitable, ignored));
    }

    awaitable<void> receive() {
        try {
            failure_ = co_await receive_all();
        } catch (...) {
            if (!thrown_) thrown_ = std::current_exception();
        }
    }

    awaitable<std::optional<Failure>> receive_all() {
        for (unsigned interim = 0; interim <= Conversation::most_interim; ++interim) {
            auto next = co_await Conversation::next_head(line_, request_.to_head, interim > 0, "before the answer");
            if (!next) co_return std::move(next).error();
            if (next->read.status >= 200) {
                head_ = std::move(next->given);
                co_return co_await receive_body(next->read);
            }
            if (next->read.status == 100) {
                continued_ = true;
                if (waits_for_continue_) gate_.cancel();
            }
            const ClientsTurn turn{*this};
            co_await streams_.sink.interim(next->given);
        }
        co_return Conversation::not_http("is preceded by too many interim answers");
    }

    awaitable<std::optional<Failure>> receive_body(const AnswerHead& head) {
        began_ = true;
        {
            const ClientsTurn turn{*this};
            co_await streams_.sink.begin(head_);
        }
        AnswerBody body{head.framing, head.length};
        while (body.state() == AnswerBody::State::incomplete) {
            const auto piece = body.next(line_.input());
            if (!piece.data.empty()) {
                const ClientsTurn turn{*this};
                co_await streams_.sink.take(piece.data);
            }
            line_.consume(piece.consumed);
            if (body.state() == AnswerBody::State::malformed)
                co_return Conversation::not_http("has chunks that cannot be read");
            if (piece.consumed > 0) continue;
            const auto error = co_await line_.read();
            touch();
            if (!error) continue;
            if (error == boost::asio::error::eof) body.close();
            if (body.state() != AnswerBody::State::complete)
                co_return Conversation::lost(line_, error, true, "in the answer's body");
        }
        ending_ = Conversation::ending_of(line_, head);
        ending_.reusable = ending_.reusable && all_sent_;
        co_return std::nullopt;
    }

    Line& line_;
    const RelayRequest& request_;
    Streams& streams_;
    runtime::Timer gate_;  // where sending waits
    unsigned waiting_for_client_ = 0;
    bool waits_for_continue_ = false;
    bool continued_ = false;
    bool began_ = false;     // the answer
    bool all_sent_ = false;  // the request
    Line::Error unsent_;     // why not
    UpstreamHead head_;
    Conversation::Ending ending_;
    std::optional<Failure> failure_;
    std::exception_ptr thrown_;
};

}  // namespace

awaitable<boost::system::result<UpstreamHead, Failure>> relay(Line& line, RelayRequest request, Streams& streams,
                                                              Conversation::Ending& ending) {
    Relay both{co_await boost::asio::this_coro::executor, line, request, streams};
    co_return co_await both.run(ending);
}

}  // namespace sluice::upstream
