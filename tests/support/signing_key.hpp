// An issuer's key for tests: signs with OpenSSL alone, so that the verifier is checked against another implementation.
#pragma once

#include <openssl/types.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sluice::test {

class SigningKey {
public:
    static SigningKey rsa(unsigned bits = 2048);
    static SigningKey ec();       ///< P-256
    static SigningKey ed25519();  ///< Ed25519
    static SigningKey secret(std::string bytes);

    /// The public part as JWK, or the secret itself; `more` members (`kid`, `alg`, …) are added.
    nlohmann::json jwk(const nlohmann::json& more = nlohmann::json::object()) const;
    /// SubjectPublicKeyInfo.
    std::string public_pem() const;
    std::string public_der() const;

    /// The signature of `input` by `algorithm` as JWS has it: RS256, PS256, ES256, EdDSA or HS256.
    std::string sign(std::string_view algorithm, std::string_view input) const;
    /// ECDSA as DER, which JWS does not have.
    std::string sign_der(std::string_view input) const;

    /// A token in compact form, whose header and claims are these texts, whatever they are.
    std::string token(std::string_view algorithm, std::string_view header, std::string_view claims) const;

private:
    std::shared_ptr<EVP_PKEY> key_;
    std::string secret_;
};

std::string hmac_sha256(std::string_view secret, std::string_view input);
/// The two parts that are signed, with their dot.
std::string signing_input(std::string_view header, std::string_view claims);

}  // namespace sluice::test
