// Opaque texts that clients carry for us and cannot make up: page cursors, consistency tokens. Signed, not secret.
// Hides base64url and the MAC: HMAC-SHA256 (RFC 2104), truncated to 128 bits, over purpose and payload.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::auth {

class Hmac;

/// Immutable, so any thread may use it.
class SignedText {
public:
    /// `purpose`: what is signed for one is refused for another. Secrets newest first: the first signs, all verify. With
    /// none, nothing verifies and signing throws std::logic_error.
    SignedText(std::string_view purpose, const std::vector<std::string>& secrets);
    ~SignedText();
    SignedText(const SignedText&) = delete;
    SignedText& operator=(const SignedText&) = delete;

    /// Holds only characters that are safe in a URL, a header field and a cookie.
    std::string sign(std::string_view payload) const;
    /// The payload; nothing if it was not signed here, for this purpose. Compares in constant time.
    std::optional<std::string> open(std::string_view text) const;

private:
    const std::string purpose_;
    std::vector<std::unique_ptr<Hmac>> hmacs_;
};

}  // namespace sluice::auth
