#include "auth/jwk.hpp"

#include "auth/base64url.hpp"
#include "auth/hmac.hpp"
#include "auth/public_key.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <optional>
#include <variant>

namespace sluice::auth {
namespace {

using nlohmann::json;
using Refusal = std::string;

constexpr std::size_t least_rsa_bits = 2048;
constexpr std::size_t most_rsa_bits = 8192;  // beyond it a verification takes long enough to be abused
constexpr std::size_t most_exponent_bytes = 8;
constexpr std::size_t least_secret_bytes = 32;
constexpr std::size_t p256_bytes = 32;
constexpr std::size_t ed25519_bytes = 32;

/// A member that must be a string; empty if it is none.
std::string text_of(const json& jwk, const char* name) {
    const auto member = jwk.find(name);
    return member != jwk.end() && member->is_string() ? member->get<std::string>() : std::string{};
}

std::optional<std::string> bytes_of(const json& jwk, const char* name) {
    const auto text = text_of(jwk, name);
    if (text.empty()) return std::nullopt;
    return decode_base64url(text);
}

std::size_t bits_of(std::string_view number) {
    const auto first = number.find_first_not_of('\0');
    if (first == std::string_view::npos) return 0;
    const auto top = static_cast<unsigned char>(number[first]);
    return (number.size() - first - 1) * 8 + static_cast<std::size_t>(std::bit_width(top));
}

/// `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3): whether signatures may be verified with it.
std::optional<Refusal> other_purpose(const json& jwk) {
    if (jwk.contains("use") && jwk["use"] != "sig") return "its 'use' is not 'sig'";
    const auto operations = jwk.find("key_ops");
    if (operations == jwk.end()) return std::nullopt;
    if (!operations->is_array()) return "its 'key_ops' is no list";
    if (std::find(operations->begin(), operations->end(), "verify") == operations->end())
        return "its 'key_ops' lacks 'verify'";
    return std::nullopt;
}

std::variant<std::vector<JwsAlgorithm>, Refusal> algorithms_of(const json& jwk, std::vector<JwsAlgorithm> of_type) {
    if (!jwk.contains("alg")) return of_type;
    const auto algorithm = jws_algorithm_from(text_of(jwk, "alg"));
    if (!algorithm) return "its 'alg' is none of RS256, PS256, ES256, EdDSA and HS256";
    if (std::find(of_type.begin(), of_type.end(), *algorithm) == of_type.end()) return "its 'alg' is none of its 'kty'";
    return std::vector{*algorithm};
}

/// RFC 7518 section 6.3.1. `signature_size` is the modulus' (RFC 8017 section 8).
std::variant<PublicKey, Refusal> rsa_key(const json& jwk) {
    const auto modulus = bytes_of(jwk, "n");
    const auto exponent = bytes_of(jwk, "e");
    if (!modulus || !exponent || modulus->empty() || exponent->empty()) return "its 'n' or 'e' is not right";
    const auto bits = bits_of(*modulus);
    if (bits < least_rsa_bits) return "RSA with " + std::to_string(bits) + " bits is too weak: 2048 are the least";
    if (bits > most_rsa_bits) return "RSA with " + std::to_string(bits) + " bits is too slow: 8192 are the most";
    // With 1 every signature would be right.
    if (exponent->size() > most_exponent_bytes || bits_of(*exponent) < 2 || (exponent->back() & 1) == 0)
        return "its 'e' is not right";
    return PublicKey::from_jwk({{"kty", "RSA"}, {"n", text_of(jwk, "n")}, {"e", text_of(jwk, "e")}}, (bits + 7) / 8);
}

/// RFC 7518 section 6.2.1.
std::variant<PublicKey, Refusal> ec_key(const json& jwk) {
    if (text_of(jwk, "crv") != "P-256") return "its 'crv' is not P-256";
    const auto x = bytes_of(jwk, "x");
    const auto y = bytes_of(jwk, "y");
    if (!x || !y || x->size() != p256_bytes || y->size() != p256_bytes) return "its 'x' or 'y' is not right";
    return PublicKey::from_jwk({{"kty", "EC"}, {"crv", "P-256"}, {"x", text_of(jwk, "x")}, {"y", text_of(jwk, "y")}},
                               2 * p256_bytes);
}

/// RFC 8037 section 2.
std::variant<PublicKey, Refusal> okp_key(const json& jwk) {
    if (text_of(jwk, "crv") != "Ed25519") return "its 'crv' is not Ed25519";
    const auto x = bytes_of(jwk, "x");
    if (!x || x->size() != ed25519_bytes) return "its 'x' is not right";
    return PublicKey::from_jwk({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", text_of(jwk, "x")}}, 2 * ed25519_bytes);
}

std::optional<Refusal> unfit_secret(std::string_view secret) {
    if (secret.size() < least_secret_bytes) return "a secret for HS256 has at least 32 bytes";
    // A public key is no secret: whoever has it could sign (RFC 8725 section 2.1).
    if (secret.find("-----BEGIN ") != std::string_view::npos) return "the secret is PEM text: a key pair's, not a secret";
    return std::nullopt;
}

}  // namespace

/// Exactly one of the two.
struct Jwk::Material {
    std::optional<PublicKey> public_key;
    std::unique_ptr<const Hmac> hmac;
    std::string identity;  // what makes it this key and no other
};

Jwk::Jwk(std::string kid, std::vector<JwsAlgorithm> algorithms, std::unique_ptr<const Material> material)
    : kid_{std::move(kid)}, algorithms_{std::move(algorithms)}, material_{std::move(material)} {
    std::string described = kid_ + '\0';
    for (const auto algorithm : algorithms_) described.append(to_string(algorithm)).append(1, '\0');
    described += material_->identity;
    SHA256(reinterpret_cast<const unsigned char*>(described.data()), described.size(), fingerprint_.data());
}

Jwk::Jwk(Jwk&&) noexcept = default;
Jwk& Jwk::operator=(Jwk&&) noexcept = default;
Jwk::~Jwk() = default;

boost::system::result<Jwk, std::string> Jwk::parse(const json& jwk) {
    if (!jwk.is_object()) return Refusal{"it is no JSON object"};
    if (auto refusal = other_purpose(jwk)) return std::move(*refusal);
    if (jwk.contains("kid") && text_of(jwk, "kid").empty()) return Refusal{"its 'kid' is no text"};
    const auto type = text_of(jwk, "kty");

    std::vector<JwsAlgorithm> of_type;
    if (type == "RSA") of_type = {JwsAlgorithm::rs256, JwsAlgorithm::ps256};
    if (type == "EC") of_type = {JwsAlgorithm::es256};
    if (type == "OKP") of_type = {JwsAlgorithm::eddsa};
    if (type == "oct") of_type = {JwsAlgorithm::hs256};
    if (of_type.empty()) return Refusal{"its 'kty' is none of RSA, EC, OKP and oct"};
    auto algorithms = algorithms_of(jwk, of_type);
    if (auto* refusal = std::get_if<Refusal>(&algorithms)) return std::move(*refusal);

    auto material = std::make_unique<Material>();
    if (type == "oct") {
        const auto secret = bytes_of(jwk, "k");
        if (!secret) return Refusal{"its 'k' is not right"};
        if (auto refusal = unfit_secret(*secret)) return std::move(*refusal);
        material->hmac = std::make_unique<Hmac>(*secret);
        material->identity = *secret;
    } else {
        auto key = type == "RSA" ? rsa_key(jwk) : type == "EC" ? ec_key(jwk) : okp_key(jwk);
        if (auto* refusal = std::get_if<Refusal>(&key)) return std::move(*refusal);
        material->public_key = std::move(std::get<PublicKey>(key));
        if (!material->public_key->usable()) return Refusal{"its numbers are no key"};
        material->identity = material->public_key->jwk();
    }
    return Jwk{text_of(jwk, "kid"), std::move(std::get<std::vector<JwsAlgorithm>>(algorithms)), std::move(material)};
}

boost::system::result<Jwk, std::string> Jwk::from_secret(std::string_view secret) {
    if (auto refusal = unfit_secret(secret)) return std::move(*refusal);
    auto material = std::make_unique<Material>();
    material->hmac = std::make_unique<Hmac>(secret);
    material->identity = secret;
    return Jwk{"", {JwsAlgorithm::hs256}, std::move(material)};
}

bool Jwk::fits(JwsAlgorithm algorithm) const noexcept {
    return std::find(algorithms_.begin(), algorithms_.end(), algorithm) != algorithms_.end();
}

bool Jwk::is_symmetric() const noexcept { return material_->hmac != nullptr; }

bool Jwk::verify(JwsAlgorithm algorithm, const JwsParts& parts) const {
    if (!fits(algorithm)) return false;
    if (!material_->hmac) return material_->public_key->verify(algorithm, parts);
    // Not by librhonabwy, which compares MACs with strcmp: how long that takes tells how much of a guess was right.
    const auto mac = material_->hmac->compute(parts.signing_input(), {});
    return parts.signature_bytes.size() == mac.size() &&
           CRYPTO_memcmp(parts.signature_bytes.data(), mac.data(), mac.size()) == 0;
}

}  // namespace sluice::auth
