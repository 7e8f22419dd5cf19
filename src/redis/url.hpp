// The address of a Redis server, read from `redis://[user:password@]host[:port][/db]`. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::redis {

struct Address {
    std::string host;  ///< a name or a numeric address, without brackets
    std::uint16_t port = 6379;
    std::string user;      ///< empty: Redis' default user
    std::string password;  ///< empty: no AUTH is sent
    unsigned database = 0;
};

/// Credentials are percent-decoded. Throws std::invalid_argument, whose message says what is wrong and never holds the
/// credentials. `rediss://` is refused.
Address parse_url(std::string_view url);

/// `host:port`, for the log.
std::string to_string(const Address& address);

}  // namespace sluice::redis
