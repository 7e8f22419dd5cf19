// Whether bytes are UTF-8. Pure.
#pragma once

#include <string_view>

namespace sluice::policy {

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view bytes) noexcept;

}  // namespace sluice::policy
