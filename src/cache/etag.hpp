// Strong validators of bytes (RFC 9110 section 8.8.1). Hides SHA-256.
#pragma once

#include "policy/content_coding.hpp"
#include "sluice/executor.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::cache {

/// The first 128 bits of the SHA-256 of the bytes, in quotes.
std::string strong_etag(std::string_view bytes);

/// Up to so many bytes are hashed at once without holding up an event loop.
inline constexpr std::size_t hashed_at_once = 64 * 1024;

/// The same. Between pieces of that size others on the loop get their turn. The bytes must outlive the call.
awaitable<std::string> strong_etag_by_turns(std::string_view bytes);

/// The validator of the same bytes in a content coding: another one, as those are other bytes (RFC 9110 section 8.8.3.3).
/// What has none has none in any coding.
std::string coded_etag(std::string_view etag, policy::ContentCoding coding);

}  // namespace sluice::cache
