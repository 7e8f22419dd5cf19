// Network addresses and CIDR blocks of them. Hides how both are written; IPv4 is IPv4-mapped IPv6 throughout.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::auth {

using IpAddress = std::array<std::uint8_t, 16>;  ///< IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2)

bool is_ipv4(const IpAddress& address) noexcept;
/// Of an address without port and zone. Nothing: it is none.
std::optional<IpAddress> parse_ip(std::string_view text) noexcept;
/// In canonical text (RFC 5952), IPv4-mapped IPv6 as IPv4.
std::string to_text(const IpAddress& address);

/// A list of CIDR blocks. Immutable, so any thread may use it.
class AddressBlocks {
public:
    AddressBlocks() = default;
    /// `10.0.0.0/8`, `2001:db8::/32`; without a prefix length, that one address. Bits beyond the prefix are ignored. IPv6
    /// blocks do not contain IPv4 addresses, but `::ffff:10.0.0.0/104` is `10.0.0.0/8`. Throws std::invalid_argument naming
    /// the block that is none.
    explicit AddressBlocks(const std::vector<std::string>& cidrs);

    bool empty() const noexcept { return blocks_.empty(); }
    bool contain(const IpAddress& address) const noexcept { return narrowest(address).has_value(); }
    /// The index of the block with the longest prefix that holds the address, of several like it the first; or nothing.
    std::optional<std::size_t> narrowest(const IpAddress& address) const noexcept;
    /// Of the first block that an earlier one is the same as, the index; or nothing.
    std::optional<std::size_t> repeated() const noexcept;

private:
    struct Block {
        IpAddress network;    // bits beyond the prefix are zero
        unsigned prefix = 0;  // of 128
        bool ipv4 = false;    // network is IPv4-mapped
        bool operator==(const Block&) const = default;
    };

    std::vector<Block> blocks_;
};

}  // namespace sluice::auth
