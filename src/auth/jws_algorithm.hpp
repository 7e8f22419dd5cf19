// The signature algorithms that tokens may use (RFC 7518 section 3.1, RFC 8037 section 3.1): few, and none of them `none`.
#pragma once

#include <optional>
#include <string_view>

namespace sluice::auth {

enum class JwsAlgorithm {
    rs256,  // RSASSA-PKCS1-v1_5 with SHA-256
    ps256,  // RSASSA-PSS with SHA-256
    es256,  // ECDSA on P-256 with SHA-256
    eddsa,  // Ed25519
    hs256,  // HMAC with SHA-256
};

/// As `alg` names it.
constexpr std::string_view to_string(JwsAlgorithm algorithm) noexcept {
    switch (algorithm) {
        case JwsAlgorithm::rs256:
            return "RS256";
        case JwsAlgorithm::ps256:
            return "PS256";
        case JwsAlgorithm::es256:
            return "ES256";
        case JwsAlgorithm::eddsa:
            return "EdDSA";
        case JwsAlgorithm::hs256:
            return "HS256";
    }
    return "";
}

/// Names are case-sensitive (RFC 7515 section 4.1.1); any other name is nothing.
constexpr std::optional<JwsAlgorithm> jws_algorithm_from(std::string_view name) noexcept {
    for (const auto algorithm :
         {JwsAlgorithm::rs256, JwsAlgorithm::ps256, JwsAlgorithm::es256, JwsAlgorithm::eddsa, JwsAlgorithm::hs256}) {
        if (to_string(algorithm) == name) return algorithm;
    }
    return std::nullopt;
}

}  // namespace sluice::auth
