// In which content coding an answer is sent: what a request's Accept-Encoding asks for.
#pragma once

#include <string_view>

namespace sluice::policy {

enum class ContentCoding {
    identity,  // as it is
    gzip,      // RFC 1952; also called x-gzip
    brotli,    // RFC 7932; called `br`
};

/// As the field Content-Encoding has it.
std::string_view to_string(ContentCoding coding) noexcept;

/// Whether an answer may be sent as it is: unless `identity`, or in its absence `*`, has the weight 0.
bool accepts_identity(std::string_view accept_encoding) noexcept;

/// RFC 9110 section 12.5.3: the coding of the highest weight that we have, of equal ones the smaller answer's. Whoever
/// refuses all we have, `identity` included, is still sent that, as the section allows.
ContentCoding choose_coding(std::string_view accept_encoding) noexcept;

}  // namespace sluice::policy
