#include "config/address.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>

namespace sluice::config {
namespace {

std::optional<unsigned> parse_number(std::string_view text, unsigned most) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
    return value;
}

bool is_host_name(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_';
    });
}

std::optional<boost::asio::ip::address> parse_address(std::string_view text) {
    boost::system::error_code error;
    auto address = boost::asio::ip::make_address(std::string{text}, error);
    if (error) return std::nullopt;
    return address;
}

}  // namespace

bool is_host_port(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || !parse_number(text.substr(colon + 1), 65'535)) return false;
    const auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        const auto address = parse_address(host.substr(1, host.size() - 2));
        return address && address->is_v6();
    }
    return is_host_name(host);
}

std::optional<std::string> parse_cidr(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    const unsigned bits = address->is_v4() ? 32 : 128;
    if (slash == std::string_view::npos) return std::string{text} + '/' + std::to_string(bits);
    if (!parse_number(text.substr(slash + 1), bits)) return std::nullopt;
    return std::string{text};
}

}  // namespace sluice::config
