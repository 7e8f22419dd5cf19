// Opens tokens in JWS compact form (RFC 7515 section 7.1): which key signed what. Pure.
//
// The key decides the algorithm, not the token (RFC 8725 section 3.1); what the token says about its own key beyond `kid`
// (`jwk`, `jku`, `x5c`, `x5u`) is not read at all.
#pragma once

#include "auth/key_set.hpp"
#include "auth/token_error.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sluice::auth {

/// Bytes of a token; a longer one is malformed.
constexpr std::size_t max_token_length = 8 * 1024;

struct JoseHeader {
    JwsAlgorithm algorithm = JwsAlgorithm::rs256;
    std::optional<std::string> kid;
    std::optional<std::string> type;  ///< `typ`
};

/// A token whose form is right; its signature was not looked at.
struct UnverifiedJws {
    JwsParts parts;  ///< views into the token
    JoseHeader header;
};

struct VerifiedJws {
    JoseHeader header;
    std::string payload;
    Jwk::Fingerprint key{};  ///< of the key that signed it
};

/// Takes a token apart: malformed, unsupported_algorithm, or critical_extension.
boost::system::result<UnverifiedJws, TokenError> parse_jws(std::string_view token);

/// Finds the key and verifies the signature: unknown_key, ambiguous_key, wrong_signature, or malformed payload.
boost::system::result<VerifiedJws, TokenError> verify_jws(const UnverifiedJws& jws, const KeySet& keys);

}  // namespace sluice::auth
