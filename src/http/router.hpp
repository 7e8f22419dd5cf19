// Finds the route of a request: a tree of path segments, compiled once. Hides the tree and the built-in routes.
#pragma once

#include "sluice/exchange.hpp"
#include "sluice/handler.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::http {

/// Patterns are absolute paths whose segments are text or `{name}`. A path belongs to one template: text is preferred to a
/// parameter at every segment, going back where that leads nowhere. A parameter takes one non-empty segment, and a
/// trailing slash is a segment of its own: `/a/` is not `/a`.
///
/// What matches no route gets a built-in one, a Route like any other, so that every step of the pipeline sees it:
/// 404 (pattern `unmatched`), 405 with `Allow` and 204 for OPTIONS (pattern: the path's template; `*` for the server), and
/// 400 for a path or query that cannot be decoded (pattern `malformed`). They ask for no credentials and count against the
/// rate limit, since scanning for paths is what a limit should slow down.
class Router {
public:
    /// Sets each route's `parameter_names`, `allow` and `index`. Throws ConfigurationError with every malformed pattern and
    /// every pair of routes that would match the same requests.
    explicit Router(std::vector<Route> routes);
    ~Router();
    Router(Router&&) noexcept;
    Router& operator=(Router&&) noexcept;

    /// Sets `route`, `path_values` and `query` of the exchange.
    void match(Exchange& exchange) const;

    /// The given routes in their order, then the built-in ones; `Route::index` is the position here. Their addresses do
    /// not change, also when the router moves.
    const std::vector<Route>& routes() const noexcept;
    /// How many of them were given; those behind are built in.
    std::size_t configured() const noexcept;

private:
    struct Tree;
    std::unique_ptr<Tree> tree_;
};

}  // namespace sluice::http
