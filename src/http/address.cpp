#include "http/address.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace sluice::http {
namespace {

using boost::asio::ip::tcp;

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return port;
}

}  // namespace

std::runtime_error cannot_listen(std::string_view address, std::string reason) {
    if (!reason.empty() && reason.front() >= 'A' && reason.front() <= 'Z') {
        reason.front() = static_cast<char>(reason.front() - 'A' + 'a');
    }
    return std::runtime_error{"cannot listen on " + std::string{address} + ": " + reason};
}

tcp::endpoint resolve(std::string_view address) {
    const auto colon = address.rfind(':');
    auto host = address.substr(0, std::min(colon, address.size()));
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto port = colon == address.npos ? std::nullopt : parse_port(address.substr(colon + 1));
    if (host.empty() || !port || (!bracketed && host.find(':') != host.npos)) {
        throw cannot_listen(address, "expected host:port, such as 127.0.0.1:8080 or [::1]:8080");
    }
    boost::system::error_code error;
    const auto literal = boost::asio::ip::make_address(host, error);
    if (!error) return {literal, *port};

    boost::asio::io_context context;
    tcp::resolver resolver{context};
    const auto found = resolver.resolve(host, std::to_string(*port), tcp::resolver::passive, error);
    if (error || found.empty()) throw cannot_listen(address, "the host name has no address");
    const auto v4 = std::find_if(found.begin(), found.end(), [](const auto& e) { return e.endpoint().address().is_v4(); });
    return v4 == found.end() ? found.begin()->endpoint() : v4->endpoint();
}

}  // namespace sluice::http
