// What a verified token says (RFC 7519), and whether it says it to us, now. Pure: the time is passed in.
#pragma once

#include "auth/token_error.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::auth {

/// Whose tokens are accepted, and which claims mean what.
struct JwtRules {
    std::optional<std::string> issuer;   ///< `iss` must be it; nothing: any (the command line's --jwk)
    std::vector<std::string> audiences;  ///< `aud` must name one; none: any
    /// These two are the name of a claim, or a path to a nested one with dots between the names: `realm_access.roles`. A
    /// claim whose own name has dots comes first.
    std::string tier_claim = "tier";
    std::string scope_claim = "scope";
    std::chrono::milliseconds leeway{30'000};  ///< how far the issuer's clock may be off
};

/// From when until when, in seconds since 1970 (NumericDate, which may have a fraction).
struct TokenTimes {
    double expires = 0;                ///< `exp`
    std::optional<double> not_before;  ///< `nbf`
    std::optional<double> issued;      ///< `iat`
};

struct TokenClaims {
    std::string subject;              ///< `sub`: 1 to 255 bytes (OpenID Connect Core section 2), without NUL
    std::string issuer;               ///< `iss`
    std::optional<std::string> tier;  ///< nothing if the claim is missing or no text
    std::vector<std::string> scopes;  ///< the claim's words, or texts if it is a list; anything else grants none
    TokenTimes times;
    std::string json;  ///< all claims, as they were signed
};

/// The `iss` of a token that nobody has verified yet: good for choosing whose keys to try, for nothing else. malformed,
/// malformed_claims or missing_claim.
boost::system::result<std::string, TokenError> claimed_issuer(std::string_view token);

/// The claims of a payload: malformed_claims, missing_claim, wrong_issuer or wrong_audience. Times are not looked at.
boost::system::result<TokenClaims, TokenError> parse_claims(std::string payload, const JwtRules& rules);

/// Valid at `now`, or expired, not_yet_valid, issued_in_future.
std::optional<TokenError> check_times(const TokenTimes& times, std::chrono::milliseconds leeway,
                                      std::chrono::system_clock::time_point now) noexcept;

/// Whether a token of that `typ` may be an access token or a plain JWT: absent, `JWT` or `at+jwt` (RFC 9068), in any case
/// and with or without `application/`. Others, such as `logout+jwt`, are statements of another kind (RFC 8725 section 3.11).
bool is_token_type(const std::optional<std::string>& type);

}  // namespace sluice::auth
