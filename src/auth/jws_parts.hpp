// A token taken apart, before anything in it is believed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::auth {

/// The three parts of a JWS in compact form (RFC 7515 section 7.1) as they stand in the token, and the last one decoded.
struct JwsParts {
    std::string_view header;
    std::string_view payload;
    std::string_view signature;
    std::string signature_bytes;

    /// What was signed: header, dot and payload.
    std::string_view signing_input() const noexcept {
        return {header.data(), static_cast<std::size_t>(payload.data() + payload.size() - header.data())};
    }
};

}  // namespace sluice::auth
