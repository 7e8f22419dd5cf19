// Whom the configuration limits otherwise than by the tier of their credentials: clients of some addresses, and some keys.
#pragma once

#include "auth/address_blocks.hpp"
#include "sluice/exchange.hpp"
#include "sluice/limits.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::middleware {

/// Immutable, so any thread may use it.
class LimitedClients {
public:
    /// Throws std::invalid_argument naming a block that is none.
    explicit LimitedClients(const RateLimitSettings& settings = {});

    /// The tier of clients without credentials at that address; null: `anonymous`.
    const std::string* tier_at(std::string_view address) const noexcept;
    /// Whether nothing that the client asks for is counted.
    bool exempt(const Identity& identity, std::string_view address) const noexcept;
    bool exempt_address(std::string_view address) const noexcept;

private:
    const std::optional<std::string>* rule_for(std::string_view address) const noexcept;

    auth::AddressBlocks blocks_;
    std::vector<std::optional<std::string>> tiers_;  // by index of the block
    std::set<std::string, std::less<>> exempt_keys_;
};

}  // namespace sluice::middleware
