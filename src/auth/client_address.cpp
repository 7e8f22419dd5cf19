#include "auth/client_address.hpp"

#include "sluice/request.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace sluice::auth {

namespace {

using Address = std::array<std::uint8_t, 16>;  // IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2)

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_ipv4(const Address& address) noexcept {
    return std::equal(mapped_prefix.begin(), mapped_prefix.end(), address.begin());
}

std::optional<Address> parse(std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.empty() || text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
    std::copy(text.begin(), text.end(), terminated.begin());
    Address address{};
    if (inet_pton(AF_INET6, terminated.data(), address.data()) == 1) return address;
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.begin());
    if (inet_pton(AF_INET, terminated.data(), address.data() + mapped_prefix.size()) == 1) return address;
    return std::nullopt;
}

std::string to_text(const Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_ipv4(address)) {
        inet_ntop(AF_INET, address.data() + mapped_prefix.size(), text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, address.data(), text.data(), text.size());
    }
    return text.data();
}

std::string_view without_zone(std::string_view text) noexcept { return text.substr(0, text.find('%')); }

bool is_port(std::string_view text) noexcept {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && port <= 65535;
}

// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
std::optional<Address> parse_hop(std::string_view hop) noexcept {
    if (hop.starts_with('[')) {
        const auto close = hop.find(']');
        if (close == hop.npos) return std::nullopt;
        const auto after = hop.substr(close + 1);
        if (!after.empty() && !(after.front() == ':' && is_port(after.substr(1)))) return std::nullopt;
        const auto address = hop.substr(1, close - 1);
        return address.find(':') == address.npos ? std::nullopt : parse(address);
    }
    const auto colon = hop.find(':');
    if (colon != hop.npos && hop.find(':', colon + 1) == hop.npos) {  // one colon: no IPv6 address has just that
        return is_port(hop.substr(colon + 1)) ? parse(hop.substr(0, colon)) : std::nullopt;
    }
    return parse(hop);
}

bool same_prefix(const Address& a, const Address& b, unsigned bits) noexcept {
    const auto whole = bits / 8;
    if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
    const auto rest = bits % 8;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& cidrs) {
    for (const auto& cidr : cidrs) {
        const std::string_view text{cidr};
        const auto slash = text.find('/');
        const auto address_text = text.substr(0, slash);
        const auto network = parse(address_text);
        const bool written_as_ipv4 = address_text.find(':') == text.npos;
        const unsigned longest = written_as_ipv4 ? 32 : 128;
        unsigned prefix = longest;
        if (slash != text.npos) {
            const auto digits = text.substr(slash + 1);
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
            if (error != std::errc{} || end != digits.data() + digits.size()) prefix = longest + 1;
        }
        if (!network || prefix > longest) {
            throw std::invalid_argument{"'" + cidr + "' is not a CIDR block such as 10.0.0.0/8 or 2001:db8::/32"};
        }
        if (written_as_ipv4) prefix += 96;
        blocks_.push_back({*network, prefix, prefix >= 96 && is_ipv4(*network)});
    }
}

bool TrustedProxies::contain(const Address& address) const noexcept {
    const bool ipv4 = is_ipv4(address);
    return std::any_of(blocks_.begin(), blocks_.end(), [&](const Block& block) {
        return block.ipv4 == ipv4 && same_prefix(block.network, address, block.prefix);
    });
}

std::string TrustedProxies::client_address(std::string_view peer, std::string_view forwarded_for) const {
    const auto parsed = parse(without_zone(peer));
    if (!parsed) return std::string{peer};
    Address address = *parsed;
    while (contain(address) && !forwarded_for.empty()) {
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
    const auto parsed = parse(without_zone(address));
    return parsed && contain(*parsed);
}

std::string rate_limit_key(std::string_view address_text) {
    auto address = parse(without_zone(address_text));
    if (!address) return std::string{address_text};
    if (is_ipv4(*address)) return to_text(*address);
    std::fill(address->begin() + 8, address->end(), std::uint8_t{0});
    return to_text(*address) + "/64";
}

}  // namespace sluice::auth
