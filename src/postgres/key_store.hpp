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
    std::optional<std::chrono::system_clock::time_point> revoked_at;
    std::optional<std::string> tier_override;
};

enum class KeyChange {
    done,       // recorded; instances learn of it with their next poll
    unchanged,  // it was so already
    not_found,  // no key has that id
};

/// False if there is a key with that id already; nothing is changed then.
bool insert_key(const std::string& url, const KeyRecord& key);
/// Newest first.
std::vector<KeyRecord> list_keys(const std::string& url);
KeyChange revoke_key(const std::string& url, std::string_view id);
KeyChange set_key_tier(const std::string& url, std::string_view id, std::string_view tier);

}  // namespace sluice::postgres
