// Whom a request without credentials is counted for, where addresses are limited.
#pragma once

#include <string>
#include <string_view>

namespace sluice::middleware {

/// As auth::rate_limit_key has it: IPv4 by address, IPv6 by /64. An IPv6 address that a translator or a tunnel made of an
/// IPv4 address is counted as that: NAT64's `64:ff9b::/96` (RFC 6052), 6to4's `2002::/16` (RFC 3056) and Teredo's
/// `2001::/32` (RFC 4380). Else all clients of a translator would share one limit, and one of 6to4 had 65,536 of them.
std::string counted_address(std::string_view address);

}  // namespace sluice::middleware
