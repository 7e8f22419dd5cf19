// An issuer with a key of each kind, and all the tokens that must be refused although they look like its own. One table for
// the verifier itself and for a running instance.
#pragma once

#include "auth/token_error.hpp"
#include "support/signing_key.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::test {

class Issuer {
public:
    static constexpr const char* name = "https://issuer.example";
    static constexpr const char* audience = "https://api.example";

    /// `now`: epoch seconds.
    explicit Issuer(std::int64_t now);

    /// All keys, of which `enc-1`, `wrap-1` and `weak-1` must not be used.
    std::string jwks() const;
    /// Right in every respect, with some members changed; a null member is taken out.
    std::string claims(const nlohmann::json& changes = nlohmann::json::object()) const;
    std::string header(std::string_view algorithm, const nlohmann::json& more = nlohmann::json::object()) const;
    /// Signed with the key of that algorithm.
    std::string token(std::string_view algorithm, const nlohmann::json& changed_claims = nlohmann::json::object(),
                      const nlohmann::json& more_header = nlohmann::json::object()) const;
    const SigningKey& key(std::string_view algorithm) const;
    static const char* kid(std::string_view algorithm);

    const std::int64_t now;
    SigningKey rsa = SigningKey::rsa();
    SigningKey ec = SigningKey::ec();
    SigningKey ed25519 = SigningKey::ed25519();
    SigningKey secret = SigningKey::secret("a shared secret of 32 bytes or more");
    SigningKey encryption = SigningKey::rsa();  ///< `use` is `enc`
    SigningKey wrapping = SigningKey::rsa();    ///< `key_ops` lacks `verify`
    SigningKey weak = SigningKey::rsa(1024);
    SigningKey stranger = SigningKey::rsa();  ///< not in the set
};

struct Attack {
    std::string name;
    std::string token;
    auth::TokenError error;  ///< what the verifier makes of it
};

std::vector<Attack> token_attacks(const Issuer& issuer);

}  // namespace sluice::test
