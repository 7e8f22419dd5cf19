#include "auth/public_key.hpp"

#include <orcania.h>
#include <rhonabwy.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::auth {
namespace {

constexpr int no_remote_keys = R_FLAG_IGNORE_REMOTE;

void initialise_library() {
    static const int initialised = r_global_init();  // once per process
    static_cast<void>(initialised);
}

jwa_alg library_name(JwsAlgorithm algorithm) {
    switch (algorithm) {
        case JwsAlgorithm::rs256:
            return R_JWA_ALG_RS256;
        case JwsAlgorithm::ps256:
            return R_JWA_ALG_PS256;
        case JwsAlgorithm::es256:
            return R_JWA_ALG_ES256;
        case JwsAlgorithm::eddsa:
            return R_JWA_ALG_EDDSA;
        case JwsAlgorithm::hs256:
            break;  // not this file's
    }
    return R_JWA_ALG_UNKNOWN;
}

struct FreeJws {
    void operator()(jws_t* jws) const noexcept { r_jws_free(jws); }
};

unsigned char* copy_of(std::string_view text) {
    return reinterpret_cast<unsigned char*>(o_strndup(text.data(), text.size()));
}

bool all_zero(std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == '\0'; });
}

}  // namespace

void PublicKey::Free::operator()(void* jwk) const noexcept { r_jwk_free(static_cast<jwk_t*>(jwk)); }

PublicKey PublicKey::from_jwk(const nlohmann::json& jwk, std::size_t signature_size) {
    initialise_library();
    PublicKey key;
    key.text_ = jwk.dump();
    key.signature_size_ = signature_size;
    jwk_t* made = nullptr;
    if (r_jwk_init(&made) != RHN_OK) return key;
    key.jwk_.reset(made);
    if (r_jwk_import_from_json_str(made, key.text_.c_str()) != RHN_OK) key.jwk_.reset();
    return key;
}

bool PublicKey::usable() const {
    if (!jwk_) return false;
    unsigned bits = 0;
    const auto type = r_jwk_key_type(static_cast<jwk_t*>(jwk_.get()), &bits, no_remote_keys);
    return (static_cast<unsigned>(type) & R_KEY_TYPE_PUBLIC) != 0;
}

bool PublicKey::verify(JwsAlgorithm algorithm, const JwsParts& parts) const {
    const auto& signature = parts.signature_bytes;
    if (!jwk_ || signature.size() != signature_size_) return false;
    // Zeros pass a careless implementation for any text (CVE-2022-21449).
    if (algorithm == JwsAlgorithm::es256 &&
        (all_zero(signature.substr(0, signature.size() / 2)) || all_zero(signature.substr(signature.size() / 2))))
        return false;
    jws_t* made = nullptr;
    if (r_jws_init(&made) != RHN_OK) return false;
    const std::unique_ptr<jws_t, FreeJws> jws{made};
    // Filled in by hand: its parser would also read `zip`, `jwk` and the like from the header.
    jws->alg = library_name(algorithm);
    jws->header_b64url = copy_of(parts.header);
    jws->payload_b64url = copy_of(parts.payload);
    jws->signature_b64url = copy_of(parts.signature);
    if (!jws->header_b64url || !jws->payload_b64url || !jws->signature_b64url) return false;
    return r_jws_verify_signature(jws.get(), static_cast<jwk_t*>(jwk_.get()), no_remote_keys) == RHN_OK;
}

}  // namespace sluice::auth
