// What answers a request, and what a route is to the steps before it.
#pragma once

#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/limits.hpp"
#include "sluice/response.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice {

/// Answers one request. May suspend; throws only when something is broken (500) or a ProblemError.
/// The Exchange outlives the returned awaitable.
using Handler = std::function<awaitable<Response>(Exchange&)>;

/// The answer, or the wait for it. Like a Step, what need not wait costs no coroutine frame.
using Outcome = std::variant<Response, awaitable<Response>>;
/// A handler that often has its answer at once, as from a cache.
using EagerHandler = std::function<Outcome(Exchange&)>;

/// Whether a route asks for credentials. One that is present and wrong is refused on every route.
enum class AuthMode {
    none,      // credentials are checked when present, but never asked for
    optional,  // anonymous clients are served at their tier's limit
    required,  // anonymous clients get 401
};

/// Who reads the body of a route's requests.
enum class BodyUse {
    handler,  // the handler, when it wants to; what it leaves is discarded
    none,     // nobody: before the handler runs the body is read to its end and dropped, so that a request whose body is cut
              // off or badly framed is refused (400) and does not run
};

/// The part of a route that the pipeline's steps read.
struct RouteOptions {
    AuthMode auth = AuthMode::optional;
    std::vector<std::string> scopes;                   ///< all of them are needed (403)
    std::optional<std::chrono::milliseconds> timeout;  ///< the request's deadline; default: server.timeouts.request
    std::optional<std::size_t> body_limit;             ///< bytes; default: server.limits.body
    std::string summary;                               ///< one line for the route table
    bool rate_limited = true;
    std::vector<WindowLimit> limits;  ///< of each client on this route, besides those of its tier
    std::uint64_t cost = 1;           ///< as how many requests one counts; at least 1
};

/// A compiled route: its template, its options and its handler.
struct Route {
    Method method = Method::get;
    std::string pattern;                       ///< `/v1/cities/{id}`; the only form of a path that metrics and logs label
    std::vector<std::string> parameter_names;  ///< in the template's order
    RouteOptions options;
    Handler handler;
    EagerHandler eager;  ///< instead of `handler`, where it is set
    BodyUse body = BodyUse::handler;
    std::string allow;      ///< its path's methods as the field `Allow` lists them; set by the router, empty without a path
    std::size_t index = 0;  ///< position in the table; steps index their own per-route data with it
};

}  // namespace sluice
