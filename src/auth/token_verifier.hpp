// JSON Web Tokens (RFC 7519) against the current key set. Hides that most were verified before, and that the keys change.
#pragma once

#include "auth/jwt_claims.hpp"
#include "auth/key_set.hpp"
#include "auth/token_error.hpp"
#include "auth/token_memory.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

namespace sluice::auth {

/// Any thread.
class TokenVerifier {
public:
    using WallTime = std::chrono::system_clock::time_point;
    using Result = boost::system::result<std::shared_ptr<const TokenClaims>, TokenError>;

    static constexpr std::size_t default_memory = 32 * 1024 * 1024;  ///< bytes for remembered tokens

    explicit TokenVerifier(JwtRules rules, std::size_t memory_bytes = default_memory);

    /// The claims of a genuine token that is valid at `now`, or why it is refused. 1 to 2 µs for a token that was seen
    /// before, some 100 µs for a new one. Until there are keys, a token of the right form is refused with no_keys.
    Result verify(std::string_view token, WallTime now);

    /// From now on these keys hold, and only what they signed.
    void replace(KeySet keys);
    bool has_keys() const { return keys() != nullptr; }
    std::shared_ptr<const KeySet> keys() const;

    const JwtRules& rules() const noexcept { return rules_; }
    std::size_t remembered() const { return memory_.size(); }

private:
    Result verify_anew(std::string_view token, const KeySet* keys, Jwk::Fingerprint& key) const;

    const JwtRules rules_;
    TokenMemory memory_;
    mutable std::mutex mutex_;  // guards the pointer
    std::shared_ptr<const KeySet> keys_;
};

}  // namespace sluice::auth
