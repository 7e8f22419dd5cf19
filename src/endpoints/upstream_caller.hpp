// What a service may be told of the client that a request is made for.
#pragma once

#include "sluice/exchange.hpp"
#include "sluice/ports/upstream.hpp"

#include <string>

namespace sluice::endpoints {

/// Owned, since a load may outlive the exchange. Not for answers that are shared: those must not depend on who asks.
inline UpstreamCaller caller_of(const Exchange& exchange) {
    UpstreamCaller caller;
    caller.address = exchange.client_address;
    caller.host = exchange.request.header("Host").value_or("");
    caller.traceparent = exchange.trace.traceparent;
    caller.request_id = exchange.request_id;
    caller.id = exchange.identity.id;
    caller.tier = exchange.identity.tier;
    for (const auto& scope : exchange.identity.scopes) caller.scopes += (caller.scopes.empty() ? "" : " ") + scope;
    return caller;
}

}  // namespace sluice::endpoints
