// The whole server as an object, for programs that add handlers and middleware of their own.
#pragma once

#include "sluice/handler.hpp"
#include "sluice/middleware.hpp"
#include "sluice/settings.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice {

/// Builds everything from the settings and serves until it is told to stop.
///
///     sluice::Server server{sluice::load_settings("api.yaml")};
///     server.handle("GET /hello/{name}", hello);
///     return server.run();
class Server {
public:
    explicit Server(Settings settings);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Adds a route. `method_and_pattern` is written as in the configuration: `GET /hello/{name}`.
    /// Throws ConfigurationError from `start` if it conflicts with another.
    Server& handle(std::string_view method_and_pattern, Handler handler, RouteOptions options = {});

    /// Adds a step directly before the handler, after all built-in steps.
    Server& use(std::unique_ptr<Middleware> middleware);

    /// Starts to serve and returns. Throws ConfigurationError for rejected statements and conflicting routes,
    /// std::runtime_error when an address cannot be listened on. An unreachable dependency is no error: the server starts
    /// degraded.
    void start();
    /// Not ready, grace, drain, stop; returns when the last request is done or `drain` has passed. Idempotent.
    void stop();
    /// `start`, then waits for SIGTERM or SIGINT, then `stop`. A second one ends the process at once, and so does what is
    /// still not over two seconds after `grace` and `drain`. SIGHUP, SIGUSR1, SIGUSR2 and SIGPIPE are logged and ignored.
    /// Returns 0.
    int run();

    /// The ports in use once started.
    std::uint16_t port() const;
    std::uint16_t admin_port() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
