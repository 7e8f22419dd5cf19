// A JSON Web Key (RFC 7517) that verifies signatures. Hides librhonabwy, and that it is given nothing but a key's numbers:
// what a key or a token says about certificates and addresses of other keys (`x5c`, `x5u`, `jku`) is never looked at.
#pragma once

#include "auth/jws_algorithm.hpp"
#include "auth/jws_parts.hpp"

#include <boost/system/result.hpp>
#include <nlohmann/json_fwd.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::auth {

/// Immutable, so any thread may use it.
class Jwk {
public:
    using Fingerprint = std::array<std::uint8_t, 32>;

    /// The key of a JWK, or why it is of no use here: another `kty`, `crv` or `alg` than ours; meant for something else by
    /// `use` or `key_ops`; RSA below 2,048 or above 8,192 bits; a symmetric key below 32 bytes (RFC 7518 section 3.2) or one
    /// that is PEM text; numbers that are no key. Of a private key the public part is taken.
    static boost::system::result<Jwk, std::string> parse(const nlohmann::json& jwk);
    /// A secret for HS256, without `kid`. The same conditions hold.
    static boost::system::result<Jwk, std::string> from_secret(std::string_view secret);

    Jwk(Jwk&&) noexcept;
    Jwk& operator=(Jwk&&) noexcept;
    ~Jwk();

    /// Empty: it has none.
    const std::string& kid() const noexcept { return kid_; }
    /// The algorithms it may be used with: what its `alg` says, else those of its type (RFC 8725 section 3.1).
    const std::vector<JwsAlgorithm>& algorithms() const noexcept { return algorithms_; }
    bool fits(JwsAlgorithm algorithm) const noexcept;
    bool is_symmetric() const noexcept;
    /// The same for the same key under the same name with the same algorithms, and for no other.
    const Fingerprint& fingerprint() const noexcept { return fingerprint_; }

    /// Whether the signature is this key's. Symmetric ones are compared in constant time. `algorithm` must fit.
    bool verify(JwsAlgorithm algorithm, const JwsParts& parts) const;

private:
    struct Material;
    Jwk(std::string kid, std::vector<JwsAlgorithm> algorithms, std::unique_ptr<const Material> material);

    std::string kid_;
    std::vector<JwsAlgorithm> algorithms_;
    std::unique_ptr<const Material> material_;
    Fingerprint fingerprint_{};
};

}  // namespace sluice::auth
