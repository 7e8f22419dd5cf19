// HMAC-SHA256 (RFC 2104, FIPS 180-4) under one secret, for any thread. Hides OpenSSL, and that making and keying a context
// costs several times what using it does: keyed ones are kept and lent out.
#pragma once

#include <openssl/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::auth {

class Hmac {
public:
    static constexpr std::size_t size = 32;  ///< bytes
    using Mac = std::array<std::uint8_t, size>;

    /// Throws std::runtime_error if OpenSSL is out of order; so does `compute`.
    explicit Hmac(std::string_view secret);
    ~Hmac();
    Hmac(const Hmac&) = delete;
    Hmac& operator=(const Hmac&) = delete;

    /// The MAC of both parts, one after the other.
    Mac compute(std::string_view first, std::span<const std::uint8_t> second) const;

private:
    static constexpr std::size_t kept = 32;  // contexts; more threads at once make and drop their own

    EVP_MAC_CTX* take() const;
    void give_back(EVP_MAC_CTX* context) const noexcept;

    EVP_MAC_CTX* keyed_ = nullptr;                                // never used, only copied
    mutable std::array<std::atomic<EVP_MAC_CTX*>, kept> idle_{};  // each is owned by this or by who took it
};

}  // namespace sluice::auth
