// The head of a response in wire format, and the date in it. Pure but for the clock that the caller passes in.
#pragma once

#include "http/fixed_headers.hpp"
#include "sluice/response.hpp"

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace sluice::http {

/// `Sun, 06 Nov 1994 08:49:37 GMT`, formatted once per second. One per loop.
class HttpDate {
public:
    std::string_view at(std::time_t now);

private:
    std::time_t second_ = -1;
    std::string text_;
};

/// What the `Connection` field says.
enum class Persistence {
    unsaid,      // nothing: HTTP/1.1 stays open by default
    keep_alive,  // to a client of HTTP/1.0 that asked for it
    close,       // this is the connection's last answer
};

/// Appends status line, fields and the empty line to `out`, and returns the bytes to send behind it: none to HEAD (whose
/// Content-Length is still that of the GET) and for 204 and 304.
std::string_view append_head(std::string& out, const Response& response, const FixedHeaders& fixed, bool to_head,
                             Persistence persistence, std::string_view date);

}  // namespace sluice::http
