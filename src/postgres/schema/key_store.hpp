// What is recorded of API keys: metadata alone, never a key. Keys verify without it; a revocation and a change of tier reach
// every instance through the change feed. Blocking. Every function throws ConnectionLost or SqlError.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::postgres {

struct KeyRecord {
    std::string id;
    std::string name;
    std::string tier;  ///< as written in the key
    std::vector<std::string> scopes;
    std::optional<std::chrono::system_clock::time_point> created_at;  ///< nothing when inserting: now
    std::optional<std::chrono::system_clock::time_point> expires_at;
    std::optional<std::chrono::system_clock::time_point> revoked_at;  ///< ahead of now: still valid till then
    std::optional<std::string> tier_override;
    std::optional<std::string> replaced_by;  ///< the key it was rotated into
};

/// Which keys to list. A key expired and revoked is revoked.
struct KeyFilter {
    enum class State { active, expired, revoked };
    std::optional<std::string> name_prefix;
    std::optional<std::string> tier;  ///< the one that counts
    std::optional<State> state;
    struct Position {
        std::chrono::system_clock::time_point created_at;
        std::string id;
    };
    std::optional<Position> after;  ///< the last one of the page before
    std::size_t limit = 100;
};

enum class KeyChange {
    done,       // recorded; instances learn of it with their next poll
    unchanged,  // it was so already
    not_found,  // no key has that id
};

/// False if there is a key with that id already; nothing is changed then.
bool insert_key(const std::string& url, const KeyRecord& key);
std::optional<KeyRecord> find_key(const std::string& url, std::string_view id);
/// Newest first.
std::vector<KeyRecord> list_keys(const std::string& url, const KeyFilter& filter);
/// At once, also a key that has a grace left.
KeyChange revoke_key(const std::string& url, std::string_view id);
/// Records `successor` and revokes the key from `grace` from now on, in one transaction. `unchanged`: it is revoked or was
/// rotated already, and nothing was recorded.
KeyChange rotate_key(const std::string& url, std::string_view id, const KeyRecord& successor, std::chrono::seconds grace);
KeyChange set_key_tier(const std::string& url, std::string_view id, std::string_view tier);

}  // namespace sluice::postgres
