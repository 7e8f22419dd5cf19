// Addresses to listen on, as they are written in the configuration.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::http {

/// `127.0.0.1:8080`, `[::1]:8080` or `localhost:0` as an endpoint; of a name's several addresses the first IPv4 one is
/// preferred. Throws what `cannot_listen` makes.
boost::asio::ip::tcp::endpoint resolve(std::string_view address);

/// `cannot listen on 127.0.0.1:8080: address already in use`
std::runtime_error cannot_listen(std::string_view address, std::string reason);

}  // namespace sluice::http
