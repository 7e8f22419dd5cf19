// The content coding of an answer that is made for one request, not shared.
#pragma once

#include "endpoints/cache_headers.hpp"
#include "sluice/executor.hpp"
#include "sluice/request.hpp"
#include "sluice/response.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::endpoints {

/// `compress_from` of a server that compresses nothing.
inline constexpr std::size_t never_compressed = SIZE_MAX;

/// As Accept-Encoding has it, if the body is large. A small one is not worth a coding: it gets one only where the client
/// refuses `identity`. Without an allocation for a small one that may be sent as it is.
policy::ContentCoding wanted_coding(const Request& request, bool large);

/// The same for a body, large with at least so many bytes.
Coding choose_own_coding(const Request& request, std::string_view body, std::size_t least);

/// Codes the body and says so. Without holding up the event loop.
awaitable<void> encode(Response& response, Coding coding);

}  // namespace sluice::endpoints
