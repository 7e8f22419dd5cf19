// A public key in librhonabwy's hands. The only file that knows it; the library's fetching of remote keys is switched off,
// and it never parses what a client wrote.
#pragma once

#include "auth/jws_algorithm.hpp"
#include "auth/jws_parts.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace sluice::auth {

/// Immutable, so any thread may use it.
class PublicKey {
public:
    /// `jwk` holds the type and the public numbers, nothing else; `signature_size` is in bytes.
    static PublicKey from_jwk(const nlohmann::json& jwk, std::size_t signature_size);

    /// Whether the numbers are a key at all.
    bool usable() const;
    /// The JWK as JSON text.
    const std::string& jwk() const noexcept { return text_; }
    /// Whether the signature is right. One of another length than the algorithm's is not, however it is encoded.
    bool verify(JwsAlgorithm algorithm, const JwsParts& parts) const;

private:
    struct Free {
        void operator()(void* jwk) const noexcept;
    };

    std::string text_;
    std::size_t signature_size_ = 0;
    std::unique_ptr<void, Free> jwk_;  // librhonabwy's jwk_t; null: it took the numbers for none
};

}  // namespace sluice::auth
