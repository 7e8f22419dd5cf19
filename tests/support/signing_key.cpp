#include "support/signing_key.hpp"

#include "auth/base64url.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <stdexcept>

namespace sluice::test {
namespace {

using auth::encode_base64url;

void require(bool holds) {
    if (!holds) throw std::runtime_error{"OpenSSL failed"};
}

std::shared_ptr<EVP_PKEY> owned(EVP_PKEY* key) {
    require(key != nullptr);
    return {key, [](EVP_PKEY* made) { EVP_PKEY_free(made); }};
}

std::string number_of(EVP_PKEY* key, const char* name) {
    BIGNUM* number = nullptr;
    require(EVP_PKEY_get_bn_param(key, name, &number) == 1);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(number);
    return bytes;
}

std::string octets_of(EVP_PKEY* key) {
    std::array<unsigned char, 256> bytes{};
    std::size_t size = 0;
    require(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, bytes.data(), bytes.size(), &size) == 1);
    return {reinterpret_cast<char*>(bytes.data()), size};
}

std::string digest_sign(EVP_PKEY* key, const EVP_MD* digest, bool pss, std::string_view input) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
    EVP_PKEY_CTX* parameters = nullptr;
    require(EVP_DigestSignInit(context.get(), &parameters, digest, nullptr, key) == 1);
    if (pss) {
        require(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
        require(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
    std::size_t size = 0;
    require(EVP_DigestSign(context.get(), nullptr, &size, bytes, input.size()) == 1);
    std::string signature(size, '\0');
    require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, input.size()) ==
            1);
    signature.resize(size);
    return signature;
}

/// r and s side by side (RFC 7518 section 3.4).
std::string raw_ecdsa(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    require(signature != nullptr);
    std::string raw(64, '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(raw.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), bytes, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), bytes + 32, 32);
    ECDSA_SIG_free(signature);
    return raw;
}

}  // namespace

std::string hmac_sha256(std::string_view secret, std::string_view input) {
    std::array<unsigned char, 32> mac{};
    unsigned size = 0;
    require(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                 reinterpret_cast<const unsigned char*>(input.data()), input.size(), mac.data(), &size) != nullptr);
    return {reinterpret_cast<char*>(mac.data()), size};
}

std::string signing_input(std::string_view header, std::string_view claims) {
    return encode_base64url(header) + "." + encode_base64url(claims);
}

SigningKey SigningKey::rsa(unsigned bits) {
    SigningKey key;
    key.key_ = owned(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{bits}));
    return key;
}

SigningKey SigningKey::ec() {
    SigningKey key;
    key.key_ = owned(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    return key;
}

SigningKey SigningKey::ed25519() {
    SigningKey key;
    key.key_ = owned(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    return key;
}

SigningKey SigningKey::secret(std::string bytes) {
    SigningKey key;
    key.secret_ = std::move(bytes);
    return key;
}

nlohmann::json SigningKey::jwk(const nlohmann::json& more) const {
    nlohmann::json jwk;
    if (!key_) {
        jwk = {{"kty", "oct"}, {"k", encode_base64url(secret_)}};
    } else if (EVP_PKEY_is_a(key_.get(), "RSA") == 1) {
        jwk = {{"kty", "RSA"},
               {"n", encode_base64url(number_of(key_.get(), OSSL_PKEY_PARAM_RSA_N))},
               {"e", encode_base64url(number_of(key_.get(), OSSL_PKEY_PARAM_RSA_E))}};
    } else if (EVP_PKEY_is_a(key_.get(), "EC") == 1) {
        const auto point = octets_of(key_.get());  // 04, x, y
        jwk = {{"kty", "EC"},
               {"crv", "P-256"},
               {"x", encode_base64url(point.substr(1, 32))},
               {"y", encode_base64url(point.substr(33, 32))}};
    } else {
        jwk = {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", encode_base64url(octets_of(key_.get()))}};
    }
    jwk.update(more);
    return jwk;
}

std::string SigningKey::public_pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), &BIO_free};
    require(PEM_write_bio_PUBKEY(out.get(), key_.get()) == 1);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string SigningKey::public_der() const {
    unsigned char* bytes = nullptr;
    const int size = i2d_PUBKEY(key_.get(), &bytes);
    require(size > 0);
    std::string der{reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size)};
    OPENSSL_free(bytes);
    return der;
}

std::string SigningKey::sign_der(std::string_view input) const {
    return digest_sign(key_.get(), EVP_sha256(), false, input);
}

std::string SigningKey::sign(std::string_view algorithm, std::string_view input) const {
    if (algorithm == "HS256") return hmac_sha256(secret_, input);
    if (algorithm == "ES256") return raw_ecdsa(sign_der(input));
    if (algorithm == "EdDSA") return digest_sign(key_.get(), nullptr, false, input);
    return digest_sign(key_.get(), EVP_sha256(), algorithm == "PS256", input);
}

std::string SigningKey::token(std::string_view algorithm, std::string_view header, std::string_view claims) const {
    const auto input = signing_input(header, claims);
    return input + "." + encode_base64url(sign(algorithm, input));
}

}  // namespace sluice::test
