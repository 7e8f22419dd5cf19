// Sluice with a handler and a middleware of one's own beside the routes of a configuration file: embed FILE
#include <sluice/server.hpp>

#include <exception>
#include <iostream>
#include <memory>
#include <string>

namespace {

// A coroutine: it may co_await, e.g. exchange.body(limit). The exchange outlives it.
sluice::awaitable<sluice::Response> hello(sluice::Exchange& exchange) {
    std::string text = "Hello, " + exchange.path_values.at(0) + "!\n";
    co_return sluice::Response::text(200, std::move(text));
}

// One object serves all event loops at once; this one has no state.
class SetServedBy final : public sluice::Middleware {
    void after(sluice::Exchange&, sluice::Response& response) noexcept override {
        response.headers.set("X-Served-By", "embed");
    }
};

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::cerr << "usage: embed FILE\n";
        return 2;
    }
    sluice::Server server{sluice::load_settings(argv[1])};
    server.handle("GET /hello/{name}", hello);
    server.use(std::make_unique<SetServedBy>());
    return server.run();
} catch (const std::exception& error) {
    std::cerr << "embed: " << error.what() << '\n';
    return 1;
}
