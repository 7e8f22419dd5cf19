#include "auth/key_id.hpp"

namespace sluice::auth {

std::optional<KeyId> parse_key_id(std::string_view text) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    KeyId id{};
    if (text.size() != 2 * id.size() || text.find_first_not_of(digits) != text.npos) return std::nullopt;
    for (std::size_t i = 0; i < id.size(); ++i) {
        id[i] = static_cast<std::uint8_t>(digits.find(text[2 * i]) << 4 | digits.find(text[2 * i + 1]));
    }
    return id;
}

}  // namespace sluice::auth
