// http and https addresses (RFC 3986, RFC 9110 section 4.2), as far as a client needs them.
#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>

namespace sluice::upstream {

struct Url {
    bool tls = false;
    std::string host;  ///< a name or an address; IPv6 without brackets
    std::string port;  ///< decimal
    std::string target = "/";

    /// What the field `Host` says: the port only where it is not the scheme's own.
    std::string authority() const;
};

/// The parts, or what is wrong as the rest of a sentence: `must begin with https:// or http://`. User names and passwords
/// are refused (RFC 9110 section 4.2.4), a fragment is left out. The message does not repeat the text.
boost::system::result<Url, std::string> parse_url(std::string_view text);

}  // namespace sluice::upstream
