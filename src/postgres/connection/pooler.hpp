// Connections that lead through a pooler which gives each transaction another server connection, as pgbouncer does with
// `pool_mode=transaction`. How an address says so, and how it is found out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::postgres {

/// The address says it, not a setting beside it: whoever connects has the address, so nobody can forget to ask.
std::string behind_pooler(std::string_view url);
bool is_behind_pooler(std::string_view url) noexcept;
/// As libpq takes it.
std::string without_pooler(std::string_view url);

/// Why the address seems to lead through such a pooler; nothing if it does not, or if it says so itself. By two connections:
/// what one has must not be what the other gets. Throws ConnectionLost.
std::optional<std::string> find_pooler(const std::string& url);

}  // namespace sluice::postgres
