#include "auth/jwt_claims.hpp"

#include "auth/base64url.hpp"
#include "auth/jws.hpp"
#include "auth/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace sluice::auth {
namespace {

using nlohmann::json;

constexpr std::size_t longest_subject = 255;

/// A NumericDate. False if the claim is there but none.
bool read_date(const json& claims, const char* name, std::optional<double>& date) {
    const auto member = claims.find(name);
    if (member == claims.end()) return true;
    if (!member->is_number()) return false;
    date = member->get<double>();
    return std::isfinite(*date);
}

/// The member of that whole name, dots and all; else the path that it spells, a name that has dots itself before one that
/// has not. Null: there is none.
const json* claim_at(const json& claims, std::string_view path) {
    if (!claims.is_object()) return nullptr;
    if (const auto member = claims.find(path); member != claims.end()) return &*member;
    for (auto dot = path.rfind('.'); dot != path.npos && dot > 0; dot = path.rfind('.', dot - 1)) {
        const auto member = claims.find(path.substr(0, dot));
        if (member == claims.end()) continue;
        if (const auto* inner = claim_at(*member, path.substr(dot + 1))) return inner;
    }
    return nullptr;
}

/// RFC 7519 section 4.1.3: a text or a list of texts. Nothing if it is neither.
std::optional<std::vector<std::string>> audiences_of(const json& claim) {
    if (claim.is_string()) return std::vector{claim.get<std::string>()};
    if (!claim.is_array()) return std::nullopt;
    std::vector<std::string> audiences;
    for (const auto& item : claim) {
        if (!item.is_string()) return std::nullopt;
        audiences.push_back(item.get<std::string>());
    }
    return audiences;
}

/// RFC 8693 section 4.2: words separated by spaces; some issuers write a list.
std::vector<std::string> scopes_of(const json& claims, const std::string& path) {
    std::vector<std::string> scopes;
    const auto* claim = claim_at(claims, path);
    if (claim == nullptr) return scopes;
    if (claim->is_array()) {
        for (const auto& item : *claim) {
            if (item.is_string()) scopes.push_back(item.get<std::string>());
        }
        return scopes;
    }
    if (!claim->is_string()) return scopes;
    const auto text = claim->get<std::string>();
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find(' ', at), text.size());
        if (end > at) scopes.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return scopes;
}

std::optional<TokenError> check_audience(const json& claims, const JwtRules& rules) {
    if (rules.audiences.empty()) return std::nullopt;
    const auto claim = claims.find("aud");
    if (claim == claims.end()) return TokenError::missing_claim;
    const auto audiences = audiences_of(*claim);
    if (!audiences) return TokenError::malformed_claims;
    const auto is_ours = [&](const std::string& audience) {
        return std::find(rules.audiences.begin(), rules.audiences.end(), audience) != rules.audiences.end();
    };
    return std::any_of(audiences->begin(), audiences->end(), is_ours) ? std::nullopt
                                                                      : std::optional{TokenError::wrong_audience};
}

std::optional<TokenError> read_issuer(const json& claims, const JwtRules& rules, std::string& issuer) {
    const auto claim = claims.find("iss");
    if (claim == claims.end()) return rules.issuer ? std::optional{TokenError::missing_claim} : std::nullopt;
    if (!claim->is_string()) return TokenError::malformed_claims;
    issuer = claim->get<std::string>();
    return !rules.issuer || issuer == *rules.issuer ? std::nullopt : std::optional{TokenError::wrong_issuer};
}

std::optional<TokenError> read_subject(const json& claims, std::string& subject) {
    const auto claim = claims.find("sub");
    if (claim == claims.end()) return TokenError::missing_claim;
    if (!claim->is_string()) return TokenError::malformed_claims;
    subject = claim->get<std::string>();
    const bool fits = !subject.empty() && subject.size() <= longest_subject && subject.find('\0') == std::string::npos;
    return fits ? std::nullopt : std::optional{TokenError::malformed_claims};
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) {
    return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                      [](char x, char y) { return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + ('a' - 'A')) : x) == y; });
}

}  // namespace

boost::system::result<std::string, TokenError> claimed_issuer(std::string_view token) {
    if (token.size() > max_token_length) return TokenError::malformed;
    const auto parsed = parse_jws(token);
    if (parsed.has_error()) return parsed.error();
    const auto payload = decode_base64url(parsed->parts.payload);
    if (!payload) return TokenError::malformed;
    const auto object = parse_strict_object(*payload);
    if (!object) return TokenError::malformed_claims;
    std::string issuer;
    JwtRules any;
    any.issuer.emplace();  // required, whatever it is
    const auto error = read_issuer(*object, any, issuer);
    if (error && *error != TokenError::wrong_issuer) return *error;
    return issuer;
}

boost::system::result<TokenClaims, TokenError> parse_claims(std::string payload, const JwtRules& rules) {
    const auto object = parse_strict_object(payload);
    if (!object) return TokenError::malformed_claims;
    TokenClaims claims;
    std::optional<double> expires;
    if (!read_date(*object, "exp", expires) || !read_date(*object, "nbf", claims.times.not_before) ||
        !read_date(*object, "iat", claims.times.issued))
        return TokenError::malformed_claims;
    // Optional in RFC 7519, but a token that never ends could not be taken back either.
    if (!expires) return TokenError::missing_claim;
    claims.times.expires = *expires;
    if (const auto error = read_issuer(*object, rules, claims.issuer)) return *error;
    if (const auto error = check_audience(*object, rules)) return *error;
    if (const auto error = read_subject(*object, claims.subject)) return *error;
    const auto* tier = claim_at(*object, rules.tier_claim);
    if (tier != nullptr && tier->is_string()) claims.tier = tier->get<std::string>();
    claims.scopes = scopes_of(*object, rules.scope_claim);
    claims.json = std::move(payload);
    return claims;
}

std::optional<TokenError> check_times(const TokenTimes& times, std::chrono::milliseconds leeway,
                                      std::chrono::system_clock::time_point now) noexcept {
    const double seconds = std::chrono::duration<double>{now.time_since_epoch()}.count();
    const double slack = std::chrono::duration<double>{leeway}.count();
    if (seconds >= times.expires + slack) return TokenError::expired;
    if (times.not_before && seconds < *times.not_before - slack) return TokenError::not_yet_valid;
    if (times.issued && seconds < *times.issued - slack) return TokenError::issued_in_future;
    return std::nullopt;
}

bool is_token_type(const std::optional<std::string>& type) {
    if (!type) return true;
    constexpr std::string_view family = "application/";
    std::string_view name = *type;
    if (name.size() > family.size() && equal_ignoring_case(name.substr(0, family.size()), family))
        name.remove_prefix(family.size());
    return equal_ignoring_case(name, "jwt") || equal_ignoring_case(name, "at+jwt");
}

}  // namespace sluice::auth
