// Finds out who asks, by API key or JSON Web Token. A credential that is present and wrong is 401 on every route; it never
// falls back to anonymous. What is refused is answered by the step that limits rates, which counts it.
#pragma once

#include "auth/key_codec.hpp"
#include "auth/key_exceptions.hpp"
#include "auth/remembered_keys.hpp"
#include "auth/token_verifier.hpp"
#include "middleware/limited_clients.hpp"
#include "sluice/exchange.hpp"
#include "sluice/middleware.hpp"
#include "sluice/settings.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::middleware {

class Auth final : public Middleware {
public:
    using WallClock = std::function<std::chrono::system_clock::time_point()>;

    /// How tokens are accepted.
    struct Tokens {
        auth::TokenVerifier& verifier;
        std::string default_tier;           ///< of tokens that name no tier of ours
        std::function<void()> key_missing;  ///< told of tokens whose key is not in the set
    };

    /// `tokens`: one for each issuer; without any every token is refused. All outlive it.
    Auth(const auth::KeyCodec& codec, const auth::KeyExceptions& exceptions, const std::map<std::string, Tier>& tiers,
         const LimitedClients& clients, std::vector<Tokens> tokens = {}, WallClock clock = std::chrono::system_clock::now)
        : keys_{codec},
          exceptions_{exceptions},
          tiers_{tiers},
          clients_{clients},
          tokens_{std::move(tokens)},
          clock_{std::move(clock)} {}

    Step before(Exchange& exchange) override;

private:
    /// Why a credential is refused.
    struct Refusal {
        std::string_view reason;   // for the log at level debug, never for the client
        bool undecidable = false;  // not refused: nobody can tell at the moment
    };

    std::optional<Refusal> identify(std::string_view credential, bool bearer, Identity& identity) const;
    std::optional<Refusal> identify_by_key(std::string_view key, Identity& identity) const;
    /// Whose token it says to be: one of `tokens_`.
    boost::system::result<const Tokens*, auth::TokenError> issuer_of(std::string_view token) const;
    std::optional<Refusal> identify_by_token(std::string_view token, Identity& identity) const;

    const auth::RememberedKeys keys_;
    const auth::KeyExceptions& exceptions_;
    const std::map<std::string, Tier>& tiers_;
    const LimitedClients& clients_;
    std::vector<Tokens> tokens_;
    WallClock clock_;
};

}  // namespace sluice::middleware
