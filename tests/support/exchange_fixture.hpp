// An exchange without a connection.
#pragma once

#include "sluice/exchange.hpp"
#include "sluice/handler.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::test {

/// What a request without a body has.
class NoBody final : public BodyReader {
public:
    awaitable<std::string_view> read(std::size_t) override { co_return std::string_view{}; }
};

struct ExchangeFixture {
    boost::asio::io_context loop;
    NoBody body;
    Route route;
    Exchange exchange{loop.get_executor(), body};

    /// Of a route with this template.
    explicit ExchangeFixture(std::string pattern = "/") {
        route.pattern = std::move(pattern);
        exchange.route = &route;
    }
};

}  // namespace sluice::test
