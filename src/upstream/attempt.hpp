// One try of a request at one endpoint: a connection, the request, the answer.
#pragma once

#include "sluice/executor.hpp"
#include "sluice/ports/upstream.hpp"
#include "sluice/upstream_settings.hpp"
#include "upstream/endpoint.hpp"
#include "upstream/loop_pool.hpp"
#include "upstream/relay.hpp"
#include "upstream/request_head.hpp"
#include "upstream/tls.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace sluice::upstream {

/// Why a try ended without an answer.
struct AttemptFailure {
    UpstreamError::Kind kind = UpstreamError::Kind::unavailable;
    std::string reason;
    bool sent = false;          ///< at least a part of the request may have arrived
    bool answer_began = false;  ///< at least a byte of the answer came
    bool stale = false;         ///< on a connection that had carried others, and was closed before anything came
};

/// All that a try needs to know. What is referred to outlives it.
struct Attempt {
    Endpoint& endpoint;
    std::size_t index;  ///< of the endpoint in the pool
    std::shared_ptr<LoopPool> pool;
    const TlsContext* tls;  ///< of an endpoint with https
    const UpstreamSettings& settings;
    const FieldRules& rules;
    const UpstreamRequest& request;
    std::size_t max_body;
    Deadline deadline;
    bool fresh = false;          ///< over a new connection
    Streams* streams = nullptr;  ///< null: the answer is held whole; else its head comes back, when the sink has the rest

    awaitable<boost::system::result<UpstreamAnswer, AttemptFailure>> run() const;

private:
    awaitable<boost::system::result<UpstreamAnswer, AttemptFailure>> converse(LoopPool::Lease& lease,
                                                                              const std::string& head) const;
    awaitable<boost::system::result<UpstreamAnswer, Conversation::Failure>> exchange(Line& line, const std::string& head,
                                                                                     Conversation::Ending& ending) const;
    BodyLength body_length() const;
    awaitable<boost::system::result<void, AttemptFailure>> connect(Line& line) const;
    awaitable<Line::Error> connect_to(Line& line, Line::Address address, std::string& why_not) const;
};

}  // namespace sluice::upstream
