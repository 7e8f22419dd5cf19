// A server of one's own: the configured routes, a native handler and a middleware.
#include <sluice/server.hpp>

#include <iostream>

namespace {

/// Answers `GET /hello/{name}`.
sluice::awaitable<sluice::Response> hello(sluice::Exchange& exchange) {
    co_return sluice::Response::text(200, "Hello, " + exchange.path_values.at(0) + "!\n");
}

/// Says on every answer which team runs this server.
class Signature final : public sluice::Middleware {
public:
    void after(sluice::Exchange&, sluice::Response& response) noexcept override { response.headers.add("X-Team", "maps"); }
};

}  // namespace

int main(int argc, char** argv) try {
    sluice::Server server{argc > 1 ? sluice::load_settings(argv[1]) : sluice::Settings{}};
    server.handle("GET /hello/{name}", hello);
    server.use(std::make_unique<Signature>());
    return server.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
