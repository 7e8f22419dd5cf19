// Why a token is refused: for the log at level debug and the command line, never for a client.
#pragma once

#include <string_view>

namespace sluice::auth {

enum class TokenError {
    malformed,              // not three parts of strict base64url with a JSON object in the first, or too long
    unsupported_algorithm,  // `alg` is missing, `none`, or none of ours
    critical_extension,     // `crit` demands what we do not know; we know no extension (RFC 7515 section 4.1.11)
    unsupported_type,       // `typ` says that it is some other kind of token (RFC 8725 section 3.11)
    no_keys,                // the key set could not be loaded so far: nobody can tell
    unknown_key,            // no key has its `kid` and may be used with its `alg`
    ambiguous_key,          // several keys might have signed it
    wrong_signature,        // changed, or signed with another key
    malformed_claims,       // the payload is no strict JSON object, or a claim is not of its type
    missing_claim,          // without `exp`, `iss`, `aud` or `sub`
    expired,                // `exp` has passed
    not_yet_valid,          // `nbf` is still to come
    issued_in_future,       // so is `iat`
    wrong_issuer,           // `iss` is not the configured issuer
    wrong_audience,         // `aud` names none of the configured audiences
};

constexpr std::string_view to_string(TokenError error) noexcept {
    switch (error) {
        case TokenError::malformed:
            return "it is no token in JWS compact form";
        case TokenError::unsupported_algorithm:
            return "its 'alg' is none of RS256, PS256, ES256, EdDSA and HS256";
        case TokenError::critical_extension:
            return "its 'crit' demands an extension that is not known here";
        case TokenError::unsupported_type:
            return "its 'typ' says that it is no access token";
        case TokenError::no_keys:
            return "the keys have not been loaded yet";
        case TokenError::unknown_key:
            return "there is no key with its 'kid' for its 'alg'";
        case TokenError::ambiguous_key:
            return "several keys fit its 'alg', and it names none by 'kid'";
        case TokenError::wrong_signature:
            return "the signature is not right";
        case TokenError::malformed_claims:
            return "its claims are no JSON object, hold a name twice, or one has the wrong type";
        case TokenError::missing_claim:
            return "'exp', 'iss', 'aud' or 'sub' is missing";
        case TokenError::expired:
            return "it has expired ('exp')";
        case TokenError::not_yet_valid:
            return "it is not valid yet ('nbf')";
        case TokenError::issued_in_future:
            return "it was issued in the future ('iat')";
        case TokenError::wrong_issuer:
            return "its 'iss' is not the configured issuer";
        case TokenError::wrong_audience:
            return "its 'aud' is not the configured audience";
    }
    return "";
}

}  // namespace sluice::auth
