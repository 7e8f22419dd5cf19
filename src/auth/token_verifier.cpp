#include "auth/token_verifier.hpp"

#include "auth/jws.hpp"

#include <utility>

namespace sluice::auth {

TokenVerifier::TokenVerifier(JwtRules rules, std::size_t memory_bytes) : rules_{std::move(rules)}, memory_{memory_bytes} {}

std::shared_ptr<const KeySet> TokenVerifier::keys() const {
    const std::lock_guard lock{mutex_};
    return keys_;
}

void TokenVerifier::replace(KeySet keys) {
    auto made = std::make_shared<const KeySet>(std::move(keys));
    {
        const std::lock_guard lock{mutex_};
        keys_ = made;
    }
    memory_.keep_only(*made);
}

TokenVerifier::Result TokenVerifier::verify(std::string_view token, WallTime now) {
    if (token.size() > max_token_length) return TokenError::malformed;  // before anything is computed from it
    const auto current = keys();
    if (const auto known = memory_.find(token); known.claims) {
        // The key is asked for again: a verification that began before the keys changed may have been remembered after.
        if (current && current->contains(known.key)) {
            const auto error = check_times(known.claims->times, rules_.leeway, now);
            if (!error) return known.claims;
            if (*error == TokenError::expired) memory_.drop(token);
            return *error;
        }
        memory_.drop(token);
    }
    Jwk::Fingerprint key{};
    auto verified = verify_anew(token, current.get(), key);
    if (verified.has_error()) return verified;
    if (const auto error = check_times((*verified)->times, rules_.leeway, now)) return *error;
    memory_.put(token, {*verified, key});
    return verified;
}

TokenVerifier::Result TokenVerifier::verify_anew(std::string_view token, const KeySet* keys, Jwk::Fingerprint& key) const {
    const auto parsed = parse_jws(token);
    if (parsed.has_error()) return parsed.error();
    if (!is_token_type(parsed->header.type)) return TokenError::unsupported_type;
    if (!keys) return TokenError::no_keys;
    auto opened = verify_jws(*parsed, *keys);
    if (opened.has_error()) return opened.error();
    key = opened->key;
    auto claims = parse_claims(std::move(opened->payload), rules_);
    if (claims.has_error()) return claims.error();
    return std::make_shared<const TokenClaims>(std::move(*claims));
}

}  // namespace sluice::auth
