#include "auth/key_codec.hpp"

#include "auth/base62.hpp"
#include "auth/hmac.hpp"
#include "auth/key_id.hpp"
#include "runtime/hex.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <utility>

namespace sluice::auth {

namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t id_bytes = std::tuple_size_v<KeyId>;
constexpr std::size_t expiry_bytes = 5;
constexpr std::size_t mac_bytes = 16;
constexpr std::size_t fixed_bytes = 2 + id_bytes + expiry_bytes;  // all before the tier
constexpr std::size_t max_bytes = (KeyCodec::max_key_length - KeyCodec::prefix.size()) / 11 * 8 + 8;
constexpr std::size_t min_secret_bytes = 16;

using Bytes = std::span<const std::uint8_t>;
std::uint8_t secret_id_of(const std::string& secret) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
    SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
    return digest[0];
}

void append_id(std::vector<std::uint8_t>& out, std::string_view id) {
    const auto bytes = parse_key_id(id);
    if (!bytes) throw std::invalid_argument{"a key id has 24 lower-case hex digits"};
    out.insert(out.end(), bytes->begin(), bytes->end());
}

// RFC 6749 section 3.3.
bool is_scope_character(char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; }

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), is_scope_character);
}

void append_name(std::vector<std::uint8_t>& out, std::string_view text, const char* what) {
    if (!is_name(text)) {
        throw std::invalid_argument{std::string{"a key's "} + what +
                                    " has 1 to 255 visible ASCII characters, without quotes and backslashes"};
    }
    out.push_back(static_cast<std::uint8_t>(text.size()));
    out.insert(out.end(), text.begin(), text.end());
}

// Takes one length-prefixed name off `rest`; false if it is none.
bool take_name(Bytes& rest, std::string& name) {
    if (rest.empty() || rest[0] == 0 || rest.size() - 1 < rest[0]) return false;
    name.assign(reinterpret_cast<const char*>(rest.data()) + 1, rest[0]);
    rest = rest.subspan(1 + rest[0]);
    return is_name(name);
}

std::int64_t expiry_of(Bytes payload) {
    std::int64_t expires = 0;
    for (const auto byte : payload.subspan(2 + id_bytes, expiry_bytes)) expires = expires << 8 | byte;
    return expires;
}

}  // namespace

bool has_expired(const KeyData& data, std::chrono::system_clock::time_point now) noexcept {
    // In seconds, as an expiry may lie beyond the range of the clock's own type.
    return data.expires != 0 && std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() >= data.expires;
}

std::string_view to_string(KeyError error) noexcept {
    switch (error) {
        case KeyError::malformed:
            return "malformed";
        case KeyError::unknown_secret:
            return "unknown_secret";
        case KeyError::forged:
            return "forged";
        case KeyError::expired:
            return "expired";
    }
    return "unknown";
}

std::string_view reason_of(KeyError error) noexcept {
    switch (error) {
        case KeyError::malformed:
            return "it is no key";
        case KeyError::unknown_secret:
            return "it was made with a secret that is not in auth.key_secrets";
        case KeyError::forged:
            return "it was not made with a secret of auth.key_secrets, or it was changed";
        case KeyError::expired:
            return "it has expired";
    }
    return "";
}

KeyCodec::KeyCodec(const std::vector<std::string>& secrets) {
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        const auto position = std::to_string(i + 1);
        if (secrets[i].size() < min_secret_bytes) {
            throw std::invalid_argument{"key secret " + position + " has less than " + std::to_string(min_secret_bytes) +
                                        " bytes; make one with: openssl rand -hex 32"};
        }
        const std::uint8_t id = secret_id_of(secrets[i]);
        auto& owner = by_secret_id_[id];
        if (owner != 0) {
            throw std::invalid_argument{"key secrets " + std::to_string(owner) + " and " + position +
                                        " have the same id (the first byte of their SHA-256), so that keys could not tell "
                                        "them apart; replace the newer one by another random one"};
        }
        owner = static_cast<std::uint16_t>(i + 1);
        secrets_.push_back({id, std::make_unique<Hmac>(secrets[i])});
    }
}

KeyCodec::~KeyCodec() = default;

std::string KeyCodec::issue(const KeyData& data) const {
    if (secrets_.empty()) throw std::invalid_argument{"no key secret is configured, so no key can be made"};
    if (data.expires < 0 || data.expires >= std::int64_t{1} << (8 * expiry_bytes)) {
        throw std::invalid_argument{"a key's expiry is in epoch seconds below 2^40"};
    }
    const auto& secret = secrets_.front();
    std::vector<std::uint8_t> bytes{version, secret.id};
    append_id(bytes, data.id);
    for (std::size_t i = expiry_bytes; i-- > 0;) bytes.push_back(static_cast<std::uint8_t>(data.expires >> (8 * i)));
    append_name(bytes, data.tier, "tier");
    for (const auto& scope : data.scopes) append_name(bytes, scope, "scope");
    const auto mac = secret.hmac->compute(prefix, bytes);
    bytes.insert(bytes.end(), mac.begin(), mac.begin() + mac_bytes);

    std::string key{prefix};
    append_base62(key, bytes);
    if (key.size() > max_key_length) {
        throw std::invalid_argument{"tier and scopes make a key of more than " + std::to_string(max_key_length) +
                                    " characters"};
    }
    return key;
}

boost::system::result<KeyData, KeyError> KeyCodec::verify(std::string_view key,
                                                          std::chrono::system_clock::time_point now) const {
    if (key.size() > max_key_length || !key.starts_with(prefix)) return KeyError::malformed;
    std::array<std::uint8_t, max_bytes> buffer;
    const auto size = decode_base62(key.substr(prefix.size()), buffer);
    if (!size || *size < fixed_bytes + mac_bytes || buffer[0] != version) return KeyError::malformed;
    const auto payload = Bytes{buffer}.first(*size - mac_bytes);

    // Nothing in the payload is believed before its MAC is right, but which secret to check it with.
    const auto owner = by_secret_id_[payload[1]];
    if (owner == 0) return KeyError::unknown_secret;
    const auto mac = secrets_[owner - 1u].hmac->compute(prefix, payload);
    if (CRYPTO_memcmp(mac.data(), buffer.data() + payload.size(), mac_bytes) != 0) return KeyError::forged;

    KeyData data;
    data.expires = expiry_of(payload);
    if (has_expired(data, now)) return KeyError::expired;
    data.id = runtime::to_hex(payload.subspan(2, id_bytes));
    auto rest = payload.subspan(fixed_bytes);
    if (!take_name(rest, data.tier)) return KeyError::malformed;
    while (!rest.empty()) {
        if (!take_name(rest, data.scopes.emplace_back())) return KeyError::malformed;
    }
    return data;
}

std::string generate_key_id() {
    std::array<unsigned char, id_bytes> bytes;
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw std::runtime_error{"OpenSSL's random number generator failed"};
    }
    return runtime::to_hex(bytes);
}

}  // namespace sluice::auth
