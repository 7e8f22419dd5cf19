// Who the client is behind the proxies we trust.
#pragma once

#include "auth/address_blocks.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::auth {

/// The CIDR blocks whose word on a client's address is taken. Immutable, so any thread may use it.
class TrustedProxies {
public:
    TrustedProxies() = default;
    /// As AddressBlocks has them; throws as it does.
    explicit TrustedProxies(const std::vector<std::string>& cidrs) : blocks_{cidrs} {}

    /// The client's address in canonical text (RFC 5952; IPv4-mapped IPv6 as IPv4; without zone).
    ///
    /// The peer's own, unless a trusted proxy: then the right-most hop of X-Forwarded-For that is not one, as everything to
    /// the left of that may be made up by it. `forwarded_for` is all such fields joined by commas, in order; hops may have
    /// a port. Empty hops are left out (RFC 9110 section 5.6.1.2), an unparsable one ends the walk at the last good address;
    /// nothing in it throws. A peer that is no IP address is returned as it is, and not trusted.
    std::string client_address(std::string_view peer, std::string_view forwarded_for) const;

    /// Whether the address is in one of the blocks.
    bool trust(std::string_view address) const noexcept;

private:
    AddressBlocks blocks_;
};

/// Whom an anonymous client's requests are counted for: an IPv4 address itself; of IPv6 the /64 network, since whoever has
/// one address has all of that (RFC 4291 section 2.5.4), as `2001:db8:0:1::/64`. IPv4-mapped IPv6 is IPv4. Anything else is
/// returned as it is.
std::string rate_limit_key(std::string_view address);

}  // namespace sluice::auth
