// base64url without padding (RFC 4648 section 5, as RFC 7515 section 2 uses it), strictly: each byte string has exactly one
// spelling, so that no token can be written in two ways.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::auth {

std::string encode_base64url(std::string_view bytes);

/// The bytes; nothing if a character is none of the 64, the length is impossible, or the last character has bits that stand
/// for nothing. Padding and white space are refused.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace sluice::auth
