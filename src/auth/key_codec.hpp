// API keys that verify themselves: no store is asked. Hides the layout, base62 and the MAC.
//
// A key is `slk_` and the base62 of: version (1 byte, now 1), secret id (1, the first byte of the secret's SHA-256), key id
// (12), expiry (5, big-endian epoch seconds, 0: none), tier (length byte and text), scopes (each a length byte and text),
// and a MAC (16): HMAC-SHA256 (RFC 2104, FIPS 180-4), truncated to 128 bits, over `slk_` and all the bytes before.
// Base62 (0-9 A-Z a-z) works on blocks of 8 bytes as big-endian numbers, 11 digits each, the last block shorter. Every byte
// string has exactly one key and every other spelling is refused.
#pragma once

#include <boost/system/result.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::auth {

class Hmac;

/// What a key says about its holder.
struct KeyData {
    std::string id;                   ///< 96 bits as 24 lower-case hex digits
    std::string tier;                 ///< names an entry of `tiers`; 1 to 255 characters
    std::int64_t expires = 0;         ///< epoch seconds from which on it is refused; 0: never
    std::vector<std::string> scopes;  ///< each of 1 to 255 characters, in the order issued

    friend bool operator==(const KeyData&, const KeyData&) = default;
};

bool has_expired(const KeyData& data, std::chrono::system_clock::time_point now) noexcept;

/// Why a key is refused.
enum class KeyError {
    malformed,       // not a key, or not spelled as we spell it
    unknown_secret,  // made with a secret that is not configured (any more)
    forged,          // the MAC is not ours: made up, changed, or made with another secret of the same id
    expired,         // genuine, but its time is over
};

std::string_view to_string(KeyError error) noexcept;
/// For people.
std::string_view reason_of(KeyError error) noexcept;

/// Issues and verifies keys. Immutable, so any thread may use it.
class KeyCodec {
public:
    static constexpr std::string_view prefix = "slk_";  ///< tells a key from a JWT
    static constexpr std::size_t max_key_length = 512;  ///< characters

    /// Secrets newest first: new keys are made with the first, all verify. With none, nothing verifies. Throws
    /// std::invalid_argument if a secret has less than 16 bytes or two have the same secret id; the message holds positions
    /// in the list (from 1), never secrets.
    explicit KeyCodec(const std::vector<std::string>& secrets);
    ~KeyCodec();
    KeyCodec(const KeyCodec&) = delete;
    KeyCodec& operator=(const KeyCodec&) = delete;

    /// Throws std::invalid_argument, saying what is wrong, if there is no secret, the id is not 24 lower-case hex digits,
    /// the expiry is negative or beyond 2^40, tier or scopes are empty, too long or hold anything but RFC 6749 scope
    /// characters, or the key would be longer than max_key_length.
    std::string issue(const KeyData& data) const;

    /// The data of a genuine key, or why it is refused. Under 1 µs; the MAC is compared in constant time. Throws
    /// std::runtime_error only if OpenSSL is out of order. Revocation is not looked at: see KeyExceptions.
    boost::system::result<KeyData, KeyError> verify(std::string_view key, std::chrono::system_clock::time_point now) const;

private:
    struct Secret {
        std::uint8_t id;
        std::unique_ptr<Hmac> hmac;
    };
    std::vector<Secret> secrets_;
    std::array<std::uint16_t, 256> by_secret_id_{};  // position in secrets_ + 1; 0: none
};

/// A new random key id: 24 lower-case hex digits from OpenSSL's generator. Throws std::runtime_error if that fails.
std::string generate_key_id();

}  // namespace sluice::auth
