// The port of an HTTP service: requests sent to it on behalf of one route. Which of its endpoints answers, over which
// connection, how often it is tried and when it is left alone is behind it.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"
#include "sluice/request.hpp"

#include <boost/system/result.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

/// What is known of the client that a request is made for. All of it is owned: a load may outlive the exchange.
struct UpstreamCaller {
    std::string address{};  ///< the client's, as trusted proxies tell it; empty: there is none, e.g. for a background load
    std::string host{};     ///< the client's `Host`; empty: there was none
    bool tls = false;       ///< how the client came
    std::string traceparent{};  ///< empty: none
    std::string request_id{};   ///< sent as `X-Request-Id`; empty: none is
    std::string id{};           ///< Identity::id, sent only where the service's `identity` says so, as the two below
    std::string tier{};
    std::string scopes{};  ///< separated by spaces
};

struct UpstreamRequest {
    using Field = std::pair<std::string, std::string>;

    std::string method = "GET";  ///< a token (RFC 9110 section 9.1), in the case it has on the wire
    std::string target = "/";    ///< origin-form, encoded: sent byte by byte, or the request is `invalid`
    /// Fields of the client that are passed on, without those of this connection (RFC 9110 section 7.6.1), those that say
    /// who asks, and those that the service's settings remove.
    std::vector<Field> passed_on;
    /// The route's own fields. They replace those of the same name, wherever they come from; framing and `Host` are ours.
    std::vector<Field> own;
    /// The client waits for `100 Continue` before it sends its body: so does a body that is passed on.
    bool expects_continue = false;
    std::optional<std::string> body;  ///< nothing: there is none
    bool keyed = false;               ///< carries an Idempotency-Key: may be sent twice where `retries.keyed` says so
    UpstreamCaller caller;
};

struct UpstreamError {
    enum class Kind {
        unavailable,     // its breaker is open, or no endpoint has an address: nothing was sent
        overloaded,      // every connection is busy and enough wait for one: nothing was sent
        refused,         // no connection could be made: nothing was sent
        untrusted,       // the TLS handshake failed, or the certificate is not that of the service: nothing was sent
        reset,           // the connection was lost before anything of an answer came
        timed_out,       // connecting or answering took longer than the service's timeouts, or the deadline passed
        cut_off,         // the answer ended before its end
        not_http,        // what came is no HTTP answer, is framed in two ways, or has a head of more than 64 KiB
        body_too_large,  // the answer's body is larger than it may be
        invalid,         // a field or the target holds what would end it: nothing was sent
    };
    Kind kind = Kind::unavailable;
    std::string reason;         ///< for the log only; never for a client
    Duration retry_after{0};    ///< unavailable: how long the breaker stays open
    bool of_the_route = false;  ///< unavailable: the route's breaker is open, not the service's
};

/// As metrics and log call it.
std::string_view to_string(UpstreamError::Kind kind) noexcept;

/// The head of an answer. Its fields are views into memory of its own, which copies share.
struct UpstreamHead {
    unsigned status = 0;
    /// In the order received, without those of the connection, framing and `Content-Length` (see `content_length`).
    std::vector<HeaderField> fields;
    std::optional<std::size_t> content_length;  ///< as announced, also for HEAD and 304, which have no body
    std::shared_ptr<const std::string> memory;

    /// The first field of that name, or nothing.
    std::optional<std::string_view> field(std::string_view name) const noexcept;
};

/// An answer, held whole.
struct UpstreamAnswer {
    UpstreamHead head;
    std::string body;
};

/// Where the body of a request comes from, piece by piece.
class UpstreamBodySource {
public:
    /// The next bytes, valid until the next call; empty: that was all. Throws what ends the request, e.g. ProblemError.
    virtual awaitable<std::string_view> next() = 0;
    /// How long it is; nothing: it is sent in chunks.
    virtual std::optional<std::size_t> length() const = 0;

protected:
    ~UpstreamBodySource() = default;
};

/// Where an answer goes, piece by piece. May throw what ends it.
class UpstreamAnswerSink {
public:
    /// An interim answer (1xx) before it: `100 Continue`, `103 Early Hints`.
    virtual awaitable<void> interim(const UpstreamHead&) { co_return; }
    /// The head, once.
    virtual awaitable<void> begin(const UpstreamHead& head) = 0;
    /// The next bytes of the body, valid until it returns. Nothing is read meanwhile: that is the back-pressure.
    virtual awaitable<void> take(std::string_view bytes) = 0;

protected:
    ~UpstreamAnswerSink() = default;
};

/// One service as one route uses it. Any loop; outlives nothing but its own calls.
class Upstream {
public:
    template <class T>
    using Result = boost::system::result<T, UpstreamError>;

    virtual ~Upstream() = default;

    /// Sends the request and reads the whole answer, whatever its status; an answer whose body is larger than `max_body` is
    /// an error. Without fields that say otherwise it asks for an answer that is not compressed. The answer or the error
    /// comes at the deadline at the latest, or some milliseconds later. Cancelling the caller cancels it.
    virtual awaitable<Result<UpstreamAnswer>> fetch(UpstreamRequest request, std::size_t max_body, Deadline deadline) = 0;

    /// Passes a request on and its answer back, both as they come, with at most 64 KiB of each in memory. `source` takes the
    /// place of `request.body` unless it is null. The deadline is that of the answer's head; before and after it an end
    /// comes when the service neither takes nor sends anything for its response timeout, never because the client is slow.
    /// With a result the sink has taken the whole answer; with an error after `begin` it ended too early. Source and sink
    /// are asked on the caller's loop and not after the return; what they throw comes out of here.
    virtual awaitable<Result<void>> pass(UpstreamRequest request, UpstreamBodySource* source, UpstreamAnswerSink& sink,
                                         Deadline head_by) = 0;
};

/// The services, by name.
class Upstreams {
public:
    virtual ~Upstreams() = default;
    /// The service as a route uses it, or null: there is none of that name. `route` names what a 500 counts for; the same
    /// name is the same route. From any thread; the settings know which names there are.
    virtual std::shared_ptr<Upstream> of(std::string_view service, std::string_view route) = 0;
};

}  // namespace sluice
