#include "redis/url.hpp"

#include <charconv>
#include <optional>
#include <stdexcept>

namespace sluice::redis {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw std::invalid_argument{"Redis URL: " + why}; }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            refuse("a '%' must be followed by two hexadecimal digits (write '%25' for the sign itself)");
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

/// All of `text` as a decimal number up to `most`.
std::optional<unsigned> number(std::string_view text, unsigned most) {
    unsigned value = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end || value > most) return std::nullopt;
    return value;
}

void read_credentials(std::string_view text, Address& address) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) refuse("credentials are written ':password@' or 'user:password@'");
    address.user = percent_decode(text.substr(0, colon));
    address.password = percent_decode(text.substr(colon + 1));
    if (!address.user.empty() && address.password.empty()) refuse("a user needs a password");
}

/// `host[:port]` or `[v6][:port]`.
void read_host(std::string_view text, Address& address) {
    std::string_view host;
    std::string_view rest;
    if (text.starts_with('[')) {
        const auto bracket = text.find(']');
        if (bracket == std::string_view::npos) refuse("'[' without ']'");
        host = text.substr(1, bracket - 1);
        rest = text.substr(bracket + 1);
    } else {
        const auto colon = text.find(':');
        host = text.substr(0, colon);
        rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    }
    if (host.empty()) refuse("the host is missing");
    address.host = host;
    if (rest.empty()) return;
    const auto port = rest.front() == ':' ? number(rest.substr(1), 65535) : std::nullopt;
    if (!port || *port == 0) refuse("the port must be a number from 1 to 65535");
    address.port = static_cast<std::uint16_t>(*port);
}

}  // namespace

Address parse_url(std::string_view url) {
    constexpr std::string_view scheme = "redis://";
    if (url.starts_with("rediss://")) refuse("TLS (rediss://) is not supported yet; use redis:// over a trusted network");
    if (!url.starts_with(scheme)) refuse("it must start with redis://");
    url.remove_prefix(scheme.size());

    Address address;
    const auto at = url.rfind('@');  // a password may hold an unescaped '@' or '/'
    if (at != std::string_view::npos) {
        read_credentials(url.substr(0, at), address);
        url.remove_prefix(at + 1);
    }
    if (url.find_first_of("?#") != std::string_view::npos) refuse("a query or fragment has no meaning here");
    const auto slash = url.find('/');
    read_host(url.substr(0, slash), address);
    if (slash != std::string_view::npos && slash + 1 < url.size()) {
        const auto database = number(url.substr(slash + 1), 1'000'000);
        if (!database) refuse("the database must be a number");
        address.database = *database;
    }
    return address;
}

std::string to_string(const Address& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace sluice::redis
