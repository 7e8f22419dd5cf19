// The request field Idempotency-Key: how it is read, and what makes two requests the same
// (draft-ietf-httpapi-idempotency-key). Pure.
#pragma once

#include "sluice/exchange.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

/// The request's key; nothing if there is none, if the mode says that it means nothing, or if it is refused: then `errors`
/// says why. `"abc"`, a string of RFC 8941, is the same key as `abc`.
std::optional<std::string> idempotency_key(const Request& request, IdempotencyMode mode, std::vector<InputError>& errors);

/// SHA-256 in hexadecimal over path values, query, body and the fields that the statement reads: the same for every spelling
/// of the same path and query.
std::string payload_hash(const Exchange& exchange, std::string_view body, std::span<const std::string> fields = {});

}  // namespace sluice::endpoints
