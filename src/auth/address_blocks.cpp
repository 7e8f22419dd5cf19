#include "auth/address_blocks.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace sluice::auth {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool same_prefix(const IpAddress& a, const IpAddress& b, unsigned bits) noexcept {
    const auto whole = bits / 8;
    if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
    const auto rest = bits % 8;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

IpAddress network_of(IpAddress address, unsigned prefix) noexcept {
    for (std::size_t i = 0; i < address.size(); ++i) {
        const auto kept = std::clamp(static_cast<int>(prefix) - static_cast<int>(i * 8), 0, 8);
        address[i] &= static_cast<std::uint8_t>(0xFF00U >> kept);
    }
    return address;
}

}  // namespace

bool is_ipv4(const IpAddress& address) noexcept {
    return std::equal(mapped_prefix.begin(), mapped_prefix.end(), address.begin());
}

std::optional<IpAddress> parse_ip(std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.empty() || text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
    std::copy(text.begin(), text.end(), terminated.begin());
    IpAddress address{};
    if (inet_pton(AF_INET6, terminated.data(), address.data()) == 1) return address;
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.begin());
    if (inet_pton(AF_INET, terminated.data(), address.data() + mapped_prefix.size()) == 1) return address;
    return std::nullopt;
}

std::string to_text(const IpAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_ipv4(address)) {
        inet_ntop(AF_INET, address.data() + mapped_prefix.size(), text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, address.data(), text.data(), text.size());
    }
    return text.data();
}

AddressBlocks::AddressBlocks(const std::vector<std::string>& cidrs) {
    for (const auto& cidr : cidrs) {
        const std::string_view text{cidr};
        const auto slash = text.find('/');
        const auto address_text = text.substr(0, slash);
        const auto network = parse_ip(address_text);
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
        blocks_.push_back({network_of(*network, prefix), prefix, prefix >= 96 && is_ipv4(*network)});
    }
}

std::optional<std::size_t> AddressBlocks::narrowest(const IpAddress& address) const noexcept {
    const bool ipv4 = is_ipv4(address);
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
        const auto& block = blocks_[i];
        if (block.ipv4 != ipv4 || !same_prefix(block.network, address, block.prefix)) continue;
        if (!found || block.prefix > blocks_[*found].prefix) found = i;
    }
    return found;
}

std::optional<std::size_t> AddressBlocks::repeated() const noexcept {
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
        const auto end = blocks_.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::find(blocks_.begin(), end, blocks_[i]) != end) return i;
    }
    return std::nullopt;
}

}  // namespace sluice::auth
