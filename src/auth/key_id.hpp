// An API key's id as bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::auth {

using KeyId = std::array<std::uint8_t, 12>;

/// From 24 lower-case hex digits, the one spelling an id has; nothing for any other text.
std::optional<KeyId> parse_key_id(std::string_view text) noexcept;

}  // namespace sluice::auth
