// Fetches one document over http or https, blocking: for threads of their own, never for a loop. Hides Beast, TLS and name
// resolution.
#pragma once

#include "sluice/deadline.hpp"
#include "upstream/url.hpp"

#include <boost/system/result.hpp>

#include <cstddef>
#include <stop_token>
#include <string>

namespace sluice::upstream {

struct GetOptions {
    Duration timeout = std::chrono::seconds{5};  ///< for everything, name resolution included
    std::size_t max_body = 1024 * 1024;          ///< bytes
    std::string accept = "application/json";
};

/// What went wrong, in words.
struct GetFailure {
    std::string reason;
};

/// The body of a 200 answer, or why there is none. Redirections are not followed. TLS is 1.2 or later, and the
/// server's certificate must be valid for the host (RFC 9525) under the system's authorities (OpenSSL's: SSL_CERT_FILE and
/// SSL_CERT_DIR choose others). A stop request ends it early; only a name server that hangs can delay that.
boost::system::result<std::string, GetFailure> http_get(const Url& url, const GetOptions& options,
                                                        const std::stop_token& stop = {});

}  // namespace sluice::upstream
