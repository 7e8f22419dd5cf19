// What is done to API keys, for the admin API and for `sluice keys` alike: create, list, show, revoke, move, rotate.
// Hides the codec, the record and what must hold between them. Blocking.
#pragma once

#include "auth/key_codec.hpp"
#include "postgres/schema/key_store.hpp"
#include "sluice/limits.hpp"

#include <boost/system/result.hpp>
#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::admin {

struct NewKey {
    std::string name;
    std::string tier;
    std::vector<std::string> scopes;
    std::optional<std::chrono::milliseconds> valid_for;  ///< nothing: for good
};

/// A key just made. Its text is here and nowhere else.
struct IssuedKey {
    postgres::KeyRecord record;
    std::string text;
};

/// Why nothing was done; the message is for whoever asked.
struct KeyRefusal {
    enum class Kind {
        invalid,    // what was asked for makes no sense: an unknown tier, a scope that cannot be written
        not_found,  // no key has that id
        conflict,   // the key is not in a state for it: revoked or rotated already
    };
    Kind kind = Kind::invalid;
    std::string message;
};

/// Every function throws postgres::ConnectionLost and postgres::SqlError.
class KeyAdministration {
public:
    /// `changed` is called after every change that instances must learn of; their polls find it without, too.
    KeyAdministration(std::string primary, const std::vector<std::string>& secrets, std::map<std::string, Tier> tiers,
                      std::function<void()> changed = {});

    boost::system::result<IssuedKey, KeyRefusal> create(const NewKey& wanted) const;
    /// Newest first.
    std::vector<postgres::KeyRecord> list(const postgres::KeyFilter& filter) const;
    boost::system::result<postgres::KeyRecord, KeyRefusal> show(const std::string& id) const;

    /// What a change came to: the key as it is now, and whether it was so already.
    struct Changed {
        postgres::KeyRecord record;
        bool was_so = false;
    };
    boost::system::result<Changed, KeyRefusal> revoke(const std::string& id) const;
    boost::system::result<Changed, KeyRefusal> set_tier(const std::string& id, const std::string& tier) const;
    /// A new key of the same name, tier, scopes and expiry; the old one verifies for `grace` more.
    boost::system::result<IssuedKey, KeyRefusal> rotate(const std::string& id, std::chrono::seconds grace) const;

private:
    std::optional<KeyRefusal> unknown_tier(const std::string& tier) const;
    boost::system::result<IssuedKey, KeyRefusal> make(postgres::KeyRecord record) const;
    boost::system::result<Changed, KeyRefusal> outcome(postgres::KeyChange change, const std::string& id) const;

    const std::string primary_;
    const bool has_secret_;
    const auth::KeyCodec codec_;
    const std::map<std::string, Tier> tiers_;
    const std::function<void()> changed_;
};

/// `active`, `rotated` (still valid, for its grace), `expired` or `revoked`.
std::string_view state_of(const postgres::KeyRecord& key, std::chrono::system_clock::time_point now);
/// What the record says, never the key.
nlohmann::ordered_json to_json(const postgres::KeyRecord& key, std::chrono::system_clock::time_point now);

}  // namespace sluice::admin
