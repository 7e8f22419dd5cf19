// A JSON Web Key Set (RFC 7517 section 5): which key may have signed a token.
#pragma once

#include "auth/jwk.hpp"
#include "auth/token_error.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::auth {

/// Where a set came from, which decides what may be in it.
enum class KeySetOrigin {
    local,    // a file of ours: symmetric keys are welcome
    fetched,  // an address that others may read: a symmetric key there is no secret, and is left out
};

/// Immutable, so any thread may use it.
class KeySet {
public:
    static constexpr std::size_t max_keys = 100;

    explicit KeySet(std::vector<Jwk> keys) : keys_{std::move(keys)} {}

    /// The keys of a JWK Set, or of a single JWK, that are of use here. As section 5 demands, others are left out, and
    /// `left_out` says why. An error in words if the text is no such thing or no key remains.
    static boost::system::result<KeySet, std::string> parse(std::string_view text, KeySetOrigin origin);

    /// The one key that may have signed a token with that `alg` and `kid`: the one so named; if none is, and for a token
    /// that names none, the one that has no name or is the only candidate. Two candidates are an error, not a choice.
    boost::system::result<const Jwk*, TokenError> find(JwsAlgorithm algorithm, const std::optional<std::string>& kid) const;

    bool contains(const Jwk::Fingerprint& fingerprint) const noexcept;
    const std::vector<Jwk>& keys() const noexcept { return keys_; }
    /// `key 2: its 'use' is not 'sig'`, counted from 1.
    const std::vector<std::string>& left_out() const noexcept { return left_out_; }

private:
    std::vector<Jwk> keys_;
    std::vector<std::string> left_out_;
};

}  // namespace sluice::auth
