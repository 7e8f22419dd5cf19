// The content coding of an answer that is made for one request, not shared.
#pragma once

#include "endpoints/cache_headers.hpp"
#include "sluice/executor.hpp"
#include "sluice/request.hpp"
#include "sluice/response.hpp"

#include <cstddef>
#include <string_view>

namespace sluice::endpoints {

/// As Accept-Encoding has it, if the body has at least so many bytes.
Coding choose_own_coding(const Request& request, std::string_view body, std::size_t least);

/// Codes the body and says so. Without holding up the event loop.
awaitable<void> encode(Response& response, Coding coding);

}  // namespace sluice::endpoints
