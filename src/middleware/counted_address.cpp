#include "middleware/counted_address.hpp"

#include "auth/client_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace sluice::middleware {
namespace {

using Ipv6 = std::array<std::uint8_t, 16>;
using Ipv4 = std::array<std::uint8_t, 4>;

constexpr std::array<std::uint8_t, 12> nat64{0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0};
constexpr std::array<std::uint8_t, 2> six_to_four{0x20, 0x02};
constexpr std::array<std::uint8_t, 4> teredo{0x20, 0x01, 0x00, 0x00};

std::optional<Ipv6> parse(std::string_view text) noexcept {
    text = text.substr(0, text.find('%'));
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size()) return std::nullopt;
    std::copy(text.begin(), text.end(), terminated.begin());
    Ipv6 address{};
    if (::inet_pton(AF_INET6, terminated.data(), address.data()) != 1) return std::nullopt;
    return address;
}

template <std::size_t N>
bool begins_with(const Ipv6& address, const std::array<std::uint8_t, N>& prefix) noexcept {
    return std::equal(prefix.begin(), prefix.end(), address.begin());
}

std::optional<Ipv4> inner(const Ipv6& address) noexcept {
    Ipv4 found{};
    if (begins_with(address, nat64)) {
        std::copy(address.begin() + 12, address.end(), found.begin());
    } else if (begins_with(address, six_to_four)) {
        std::copy(address.begin() + 2, address.begin() + 6, found.begin());
    } else if (begins_with(address, teredo)) {  // its bits are inverted
        std::transform(address.begin() + 12, address.end(), found.begin(),
                       [](std::uint8_t byte) { return static_cast<std::uint8_t>(~byte); });
    } else {
        return std::nullopt;
    }
    return found;
}

}  // namespace

std::string counted_address(std::string_view address) {
    if (address.find(':') != address.npos) {
        const auto parsed = parse(address);
        if (const auto ipv4 = parsed ? inner(*parsed) : std::nullopt) {
            std::array<char, INET_ADDRSTRLEN> text{};
            ::inet_ntop(AF_INET, ipv4->data(), text.data(), text.size());
            return text.data();
        }
    }
    return auth::rate_limit_key(address);
}

}  // namespace sluice::middleware
