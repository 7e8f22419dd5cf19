// Compresses answers without holding their event loop up. Hides zlib and brotli.
#pragma once

#include "policy/content_coding.hpp"
#include "sluice/executor.hpp"

#include <string>
#include <string_view>

namespace sluice::cache {

enum class Effort {
    fast,  // for bytes that are sent once
    kept,  // for bytes that are sent many times
};

/// The bytes in that coding, which is not `identity`; they must outlive the call. Between pieces of 64 KiB others on the
/// loop get their turn. Throws std::runtime_error if the library fails.
awaitable<std::string> compress(std::string_view bytes, policy::ContentCoding coding, Effort effort);

}  // namespace sluice::cache
