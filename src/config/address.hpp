// Network addresses as they are written in the configuration. Only their form: nothing is resolved.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::config {

/// `127.0.0.1:8080`, `localhost:0`, `[::1]:8080`: a name or address and a port from 0 to 65535.
bool is_host_port(std::string_view text);

/// `10.0.0.0/8`, `fd00::/8`; a bare address stands for itself alone. Returns it with a prefix length, or nothing.
std::optional<std::string> parse_cidr(std::string_view text);

}  // namespace sluice::config
