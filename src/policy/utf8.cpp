#include "policy/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::policy {

bool is_utf8(std::string_view bytes) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    for (std::size_t i = 0; i < bytes.size();) {
        const auto lead = at(i);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        // The second byte's range excludes overlong forms (E0, F0), surrogates (ED) and what is above U+10FFFF (F4).
        std::size_t length = 0;
        std::uint8_t lowest = 0x80;
        std::uint8_t highest = 0xBF;
        if (lead >= 0xC2 && lead <= 0xDF) {
            length = 2;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            length = 3;
            if (lead == 0xE0) lowest = 0xA0;
            if (lead == 0xED) highest = 0x9F;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            length = 4;
            if (lead == 0xF0) lowest = 0x90;
            if (lead == 0xF4) highest = 0x8F;
        } else {
            return false;
        }
        if (bytes.size() - i < length || at(i + 1) < lowest || at(i + 1) > highest) return false;
        for (std::size_t k = 2; k < length; ++k) {
            if (at(i + k) < 0x80 || at(i + k) > 0xBF) return false;
        }
        i += length;
    }
    return true;
}

}  // namespace sluice::policy
