#include "auth/client_address.hpp"

#include "sluice/request.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sluice::auth {
namespace {

std::string_view without_zone(std::string_view text) noexcept { return text.substr(0, text.find('%')); }

bool is_port(std::string_view text) noexcept {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && port <= 65535;
}

// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
std::optional<IpAddress> parse_hop(std::string_view hop) noexcept {
    if (hop.starts_with('[')) {
        const auto close = hop.find(']');
        if (close == hop.npos) return std::nullopt;
        const auto after = hop.substr(close + 1);
        if (!after.empty() && !(after.front() == ':' && is_port(after.substr(1)))) return std::nullopt;
        const auto address = hop.substr(1, close - 1);
        return address.find(':') == address.npos ? std::nullopt : parse_ip(address);
    }
    const auto colon = hop.find(':');
    if (colon != hop.npos && hop.find(':', colon + 1) == hop.npos) {  // one colon: no IPv6 address has just that
        return is_port(hop.substr(colon + 1)) ? parse_ip(hop.substr(0, colon)) : std::nullopt;
    }
    return parse_ip(hop);
}

}  // namespace

std::string TrustedProxies::client_address(std::string_view peer, std::string_view forwarded_for) const {
    const auto parsed = parse_ip(without_zone(peer));
    if (!parsed) return std::string{peer};
    IpAddress address = *parsed;
    while (blocks_.contain(address) && !forwarded_for.empty()) {
        const auto comma = forwarded_for.rfind(',');
        const auto text = trimmed(comma == forwarded_for.npos ? forwarded_for : forwarded_for.substr(comma + 1));
        forwarded_for = comma == forwarded_for.npos ? std::string_view{} : forwarded_for.substr(0, comma);
        if (text.empty()) continue;
        const auto hop = parse_hop(text);
        if (!hop) break;
        address = *hop;
    }
    return to_text(address);
}

bool TrustedProxies::trust(std::string_view address) const noexcept {
    const auto parsed = parse_ip(without_zone(address));
    return parsed && blocks_.contain(*parsed);
}

std::string rate_limit_key(std::string_view address_text) {
    auto address = parse_ip(without_zone(address_text));
    if (!address) return std::string{address_text};
    if (is_ipv4(*address)) return to_text(*address);
    std::fill(address->begin() + 8, address->end(), std::uint8_t{0});
    return to_text(*address) + "/64";
}

}  // namespace sluice::auth
