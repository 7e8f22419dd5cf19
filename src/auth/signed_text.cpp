#include "auth/signed_text.hpp"

#include "auth/base64url.hpp"
#include "auth/hmac.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>

namespace sluice::auth {
namespace {

constexpr std::size_t mac_size = 16;
static_assert(mac_size <= Hmac::size);

Hmac::Mac mac_of(const Hmac& hmac, std::string_view purpose, std::string_view payload) {
    return hmac.compute(purpose, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
}

}  // namespace

// An API key's MAC begins with `slk_`, so no purpose can turn a key into a text of ours.
SignedText::SignedText(std::string_view purpose, const std::vector<std::string>& secrets)
    : purpose_{"sluice " + std::string{purpose} + '\n'} {
    hmacs_.reserve(secrets.size());
    for (const auto& secret : secrets) hmacs_.push_back(std::make_unique<Hmac>(secret));
}

SignedText::~SignedText() = default;

std::string SignedText::sign(std::string_view payload) const {
    if (hmacs_.empty()) throw std::logic_error{"there is no secret to sign with"};
    const auto mac = mac_of(*hmacs_.front(), purpose_, payload);
    std::string bytes{payload};
    bytes.append(reinterpret_cast<const char*>(mac.data()), mac_size);
    return encode_base64url(bytes);
}

std::optional<std::string> SignedText::open(std::string_view text) const {
    auto bytes = decode_base64url(text);
    if (!bytes || bytes->size() < mac_size) return std::nullopt;
    const std::string mac = bytes->substr(bytes->size() - mac_size);
    bytes->resize(bytes->size() - mac_size);
    const bool genuine = std::any_of(hmacs_.begin(), hmacs_.end(), [&](const auto& hmac) {
        return CRYPTO_memcmp(mac_of(*hmac, purpose_, *bytes).data(), mac.data(), mac_size) == 0;
    });
    if (!genuine) return std::nullopt;
    return bytes;
}

}  // namespace sluice::auth
