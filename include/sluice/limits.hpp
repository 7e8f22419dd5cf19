// Rate limits as they are configured.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice {

/// At most `requests` in any span of `window`, which is from 1 s to 31 days.
struct WindowLimit {
    std::uint64_t requests = 0;
    std::chrono::milliseconds window{60'000};
};

/// What becomes of a tier's requests while the store of all instances cannot say.
enum class OnRedisFailure {
    local,   // each instance keeps its share of the limits: limit / live instances
    open,    // they are admitted
    closed,  // they are refused (503)
};

struct Tier {
    std::vector<WindowLimit> limits;  ///< all hold at once; none: the tier is not limited
    OnRedisFailure on_redis_failure = OnRedisFailure::local;
};

struct RateLimitSettings {
    enum class Strategy {
        leased,  // a few tokens at a time: exact, and far less than a call to Redis per request
        log,     // one call to Redis per request
    };
    Strategy strategy = Strategy::leased;
    unsigned expected_instances = 1;  ///< until Redis has told how many there are

    /// Clients of a CIDR block. Of several blocks that hold an address, the one with the longest prefix counts.
    struct AddressRule {
        std::string block;
        std::optional<std::string> tier;  ///< of clients without credentials; nothing: nobody from there is limited
    };
    std::vector<AddressRule> addresses;
    std::set<std::string, std::less<>> exempt_keys;  ///< ids of API keys that are not limited
};

}  // namespace sluice
