// Serves the requests of one connection, one after the other. Hides HTTP/1.1's framing, persistence and time limits.
#pragma once

#include "http/connection.hpp"
#include "http/current_site.hpp"
#include "http/message_parser.hpp"
#include "http/response_head.hpp"
#include "http/wire.hpp"
#include "policy/lingering.hpp"
#include "runtime/event_loops.hpp"
#include "runtime/pulse.hpp"
#include "sluice/exchange.hpp"
#include "telemetry/metrics.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sluice::http {

class Session;

/// What the sessions of one loop share. Used on that loop only, once they run.
struct Lane {
    Lane(runtime::Loop& its_loop, std::shared_ptr<const Site> first_site, telemetry::Metrics& the_metrics)
        : loop{its_loop},
          pulse{runtime::Pulse::of(its_loop.executor())},
          site{std::move(first_site)},
          metrics{the_metrics} {}

    runtime::Loop& loop;
    runtime::Pulse& pulse;
    CurrentSite site;
    telemetry::Metrics& metrics;
    std::unordered_set<Session*> sessions;
    HttpDate date;
    std::atomic<bool> closing{false};  ///< set from another thread: no answer keeps its connection
    bool draining = false;             ///< and connections end as soon as they are idle
    std::size_t lingering = 0;         ///< sessions that read on behind their last answer, not only in short

    /// Memory for requests, used by whoever has one: ten thousand connections of which few are busy share what is still in
    /// the processor's cache.
    template <class Memory>
    struct Pool {
        static constexpr std::size_t most = 64;
        Memory take() {
            if (idle.empty()) return {};
            auto memory = std::move(idle.back());
            idle.pop_back();
            return memory;
        }
        void give(Memory memory) {
            if (idle.size() < most) idle.push_back(std::move(memory));
        }
        std::vector<Memory> idle;
    };
    Pool<Exchange::Spare> spares;
    Pool<std::string> buffers;  // empty ones
};

/// Bodies: read when the handler asks, framed by Content-Length or chunks, trailers dropped; one with a Content-Encoding is
/// 415. The time a client takes to send its body does not count against the exchange's deadline. What a handler leaves
/// unread is discarded if little is left; otherwise the connection is closed, but not at once: it reads on for a while,
/// since closing over unread bytes makes TCP reset the connection, and the client could lose the answer that it has not read
/// yet.
///
/// A client that has ended its side may yet read its answer, or be gone: TCP does not tell. So the beginning of the answer,
/// which is the same for all, is sent ahead: whoever has gone refuses it.
///
/// Deadlines: built-in handlers return by themselves when theirs passes. One that still waits in an Asio operation a moment
/// later gets that operation cancelled (see Pipeline::handle); one that computes or waits elsewhere is not interrupted.
class Session final : private BodyReader {
public:
    /// `settings`: of the site that is served when it begins.
    Session(Lane& lane, Socket socket, const ServerSettings& settings);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Serves until the connection is closed. Spawn it bound to `cancellation_slot`.
    awaitable<void> run();
    /// Instead of `run`: answers 503 without reading a request.
    awaitable<void> turn_away();
    boost::asio::cancellation_slot cancellation_slot() noexcept { return cancel_handler_.slot(); }

    /// Closes the connection if it is idle. One that is not closes after its answer, since the lane is draining.
    void begin_drain() noexcept;
    /// Closes the connection and ends its handler's wait.
    void abort() noexcept;

private:
    awaitable<void> serve();
    awaitable<Response> wait_for(Pipeline::Way& way);
    awaitable<bool> flush(std::string_view content);
    awaitable<bool> send(const Head& head, std::string_view content, bool keep);
    awaitable<bool> discard_body();
    awaitable<void> refuse(Refusal refusal);
    awaitable<void> linger(policy::Lingering budget);
    awaitable<std::string_view> read(std::size_t limit) override;
    awaitable<void> skip(std::size_t limit) override;
    awaitable<void> receive_body(std::size_t limit, std::string* sink);

    /// The one that the current request began with; between requests the loop's.
    const Site& site() const noexcept { return pin_ ? *pin_ : *lane_.site; }
    HeadScan look_for_head();
    void set_head_due() noexcept;
    HeadScan judge_read(IoOutcome outcome);
    bool open_exchange(Head& head);
    void close_exchange();
    void forget_written();
    std::string_view append_answer(const Head& head, const Response& response, bool keep);
    void feed_parser(std::string* sink, std::size_t limit);
    bool write_at_once();
    bool can_keep(const Head& head, const Response& response);
    void watch_handler() noexcept;
    void end_handler(Connection::Cause cause) noexcept;
    void note_slow(std::string_view direction);

    Lane& lane_;
    const HeadLimits head_limits_;
    boost::asio::cancellation_signal cancel_handler_;
    MessageParser parser_;
    std::string body_;                  // of the current request
    std::string out_;                   // answers, or their heads, that were not written yet
    CurrentSite::Pin pin_;              // while there is a current request
    std::optional<Exchange> exchange_;  // the current request's
    TimePoint head_due_{};              // of the next request
    TimePoint linger_end_ = TimePoint::max();
    std::size_t begun_ = 0;    // bytes of the current request's answer that went ahead, to see whether anybody takes them
    std::size_t scanned_ = 0;  // bytes that hold no end of that
    bool idle_ = false;        // nothing of a next request has come
    bool waiting_ = false;     // for a handler, which may be cancelled
    bool handler_cancelled_ = false;
    bool continue_awaited_ = false;  // the client waits for `100 Continue`
    bool cut_off_ = false;           // answers could not be written: what else has arrived is not served
    bool body_broken_ = false;       // where the next request begins is not known
    bool linger_ = false;            // the client may not have read the last answer when the connection ends
    bool lingering_ = false;
    Connection connection_;  // last: its alarm calls back
};

}  // namespace sluice::http
