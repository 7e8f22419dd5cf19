// One request on its way through the pipeline, and everything the steps have found out about it.
#pragma once

#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"
#include "sluice/request.hpp"
#include "sluice/response.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

struct Route;

/// Who asks. Filled by the auth step.
struct Identity {
    enum class Kind {
        anonymous,  // no credential was presented; counted by client address
        api_key,    // a Sluice key, verified
        token,      // a JWT, verified
    };
    Kind kind = Kind::anonymous;
    std::string id;                  ///< key id or token subject; empty when anonymous
    std::string tier = "anonymous";  ///< names an entry of `tiers`
    std::vector<std::string> scopes;
    std::string issuer;  ///< the token's issuer; empty otherwise
    std::string claims;  ///< the token's claims as JSON; empty otherwise

    bool has_scope(std::string_view scope) const noexcept;
    /// Tells this caller from every other one, for limits and cached answers: an API key's id is no token's subject, and a
    /// subject is another one with another issuer. Empty when anonymous.
    std::string unique_name() const;
    void append_unique_name(std::string& to) const;
};

/// W3C Trace Context, level 1.
struct TraceContext {
    std::string traceparent;  ///< as it is carried on to upstreams and into the log; empty: none was received
};

/// What the rate limit step decided, for the answer's headers.
struct AppliedLimit {
    std::string policy;  ///< the tier, or `route`: the tightest of the limits that were applied
    std::uint64_t requests = 0;
    std::chrono::milliseconds window{0};
    std::uint64_t remaining = 0;
    std::chrono::milliseconds reset_after{
        0};                                  ///< until the oldest admission leaves the window, or (429) a request fits again
    const HeaderBlock* announced = nullptr;  ///< the fields that say the limit itself; lives as long as the exchange
};

/// Reads the request's body from the connection. Implemented by the session.
class BodyReader {
public:
    /// Sends `100 Continue` if the client waits for it, and reads the whole body, at most once.
    /// Throws ProblemError 413 when it is larger than `limit` bytes, 408 when it does not arrive in time, 400 when it is
    /// malformed.
    virtual awaitable<std::string_view> read(std::size_t limit) = 0;
    /// The same for a body that nobody wants: whatever its coding, it is read to its end and dropped.
    virtual awaitable<void> skip(std::size_t limit) { co_await read(limit); }

protected:
    ~BodyReader() = default;
};

struct Exchange {
    /// Memory that goes from one exchange of a connection to the next, so that it is not allocated for each.
    struct Spare {
        std::vector<HeaderField> headers;
        std::vector<std::string> path_values;
        std::vector<QueryParameter> query;
        std::string request_id;
        std::string identity_id;
    };

    Exchange(Executor loop_executor, BodyReader& reader, Spare spare = {})
        : path_values{std::move(spare.path_values)},
          query{std::move(spare.query)},
          request_id{std::move(spare.request_id)},
          executor{loop_executor},
          body_reader{reader} {
        request.headers = std::move(spare.headers);
        identity.id = std::move(spare.identity_id);
        request.headers.clear();
        path_values.clear();
        query.clear();
        request_id.clear();
        identity.id.clear();
    }
    Spare take_spare() && {
        return {std::move(request.headers), std::move(path_values), std::move(query), std::move(request_id),
                std::move(identity.id)};
    }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    Request request;
    const Route* route = nullptr;          ///< set by the router before the first step; never null in a step
    std::vector<std::string> path_values;  ///< decoded, in the order of the template's parameters
    std::vector<QueryParameter> query;     ///< decoded
    Identity identity;
    std::string client_address;  ///< the peer, or what a trusted proxy says it is
    std::string request_id;
    TraceContext trace;
    TimePoint received{};  ///< when the head was complete
    Deadline deadline = Deadline::never();
    Executor executor;  ///< the loop this exchange lives on
    BodyReader& body_reader;
    /// What it is served with: the configuration that was current when it began. Set by the session.
    const std::shared_ptr<const void>* pinned = nullptr;
    bool client_gone = false;  ///< the connection was closed while the handler ran; what still runs for it is cancelled

    /// The auth step refuses the request with this answer. The rate limit step gives it, once it has counted the request:
    /// against the client's address, or its key if that is genuine. Nothing can be asked without end, least of all keys.
    std::optional<Response> refusal;
    std::optional<AppliedLimit> applied_limit;  ///< set by the rate limit step

    // Notes that steps leave for the access log.
    std::string_view cache_status;  ///< hit | miss | stale | collapsed | bypass; empty: no cache involved

    /// The request's body, at most `limit` bytes. See BodyReader::read.
    awaitable<std::string_view> body(std::size_t limit) { return body_reader.read(limit); }
    /// Reads a body that nobody wants, so that none that is cut off or badly framed counts as a request. See
    /// BodyReader::skip.
    awaitable<void> skip_body(std::size_t limit) { return body_reader.skip(limit); }
    /// Keeps the route, the steps and the handler, which another configuration may take the place of: for what goes on when
    /// the exchange is over.
    std::shared_ptr<const void> pin() const noexcept { return pinned != nullptr ? *pinned : nullptr; }
    bool has_body() const noexcept { return request.chunked || request.content_length.value_or(0) > 0; }
};

}  // namespace sluice
