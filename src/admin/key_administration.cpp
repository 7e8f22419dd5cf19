#include "admin/key_administration.hpp"

#include "runtime/iso_time.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <utility>

namespace sluice::admin {
namespace {

using std::chrono::system_clock;

constexpr std::size_t longest_name = 200;

KeyRefusal not_found(const std::string& id) {
    return {KeyRefusal::Kind::not_found, "there is no key with the id '" + id + "'"};
}

nlohmann::ordered_json time_or_null(const std::optional<system_clock::time_point>& moment) {
    return moment ? nlohmann::ordered_json(runtime::iso_time(*moment)) : nlohmann::ordered_json{};
}

}  // namespace

KeyAdministration::KeyAdministration(std::string primary, const std::vector<std::string>& secrets,
                                     std::map<std::string, Tier> tiers, std::function<void()> changed)
    : primary_{std::move(primary)},
      has_secret_{!secrets.empty()},
      codec_{secrets},
      tiers_{std::move(tiers)},
      changed_{changed ? std::move(changed) : [] {}} {}

std::optional<KeyRefusal> KeyAdministration::unknown_tier(const std::string& tier) const {
    if (tiers_.contains(tier)) return std::nullopt;
    std::string known;
    for (const auto& [name, limits] : tiers_) known += (known.empty() ? "" : ", ") + name;
    return KeyRefusal{KeyRefusal::Kind::invalid, "there is no tier '" + tier + "'; the configuration has " + known};
}

boost::system::result<IssuedKey, KeyRefusal> KeyAdministration::make(postgres::KeyRecord record) const {
    if (!has_secret_) {
        return KeyRefusal{KeyRefusal::Kind::invalid, "auth.key_secrets is empty: a key needs a secret to be made with"};
    }
    if (auto refusal = unknown_tier(record.tier)) return std::move(*refusal);
    record.id = auth::generate_key_id();
    record.created_at = system_clock::now();
    auth::KeyData data{record.id, record.tier, 0, record.scopes};
    if (record.expires_at) {
        data.expires = std::chrono::floor<std::chrono::seconds>(record.expires_at->time_since_epoch()).count();
    }
    try {
        auto text = codec_.issue(data);
        return IssuedKey{std::move(record), std::move(text)};
    } catch (const std::invalid_argument& error) {
        return KeyRefusal{KeyRefusal::Kind::invalid, error.what()};
    }
}

boost::system::result<IssuedKey, KeyRefusal> KeyAdministration::create(const NewKey& wanted) const {
    if (wanted.name.empty() || wanted.name.size() > longest_name || wanted.name.find('\0') != std::string::npos) {
        return KeyRefusal{KeyRefusal::Kind::invalid, "a key's name has 1 to 200 bytes and no NUL"};
    }
    postgres::KeyRecord record;
    record.name = wanted.name;
    record.tier = wanted.tier;
    record.scopes = wanted.scopes;
    if (wanted.valid_for) record.expires_at = system_clock::now() + *wanted.valid_for;
    auto issued = make(std::move(record));
    if (issued.has_error()) return issued;
    // 96 random bits: an id that is taken is a broken generator, not a request to repeat.
    if (!postgres::insert_key(primary_, issued->record)) throw std::runtime_error{"the new key's id is taken already"};
    return issued;
}

std::vector<postgres::KeyRecord> KeyAdministration::list(const postgres::KeyFilter& filter) const {
    return postgres::list_keys(primary_, filter);
}

boost::system::result<postgres::KeyRecord, KeyRefusal> KeyAdministration::show(const std::string& id) const {
    if (auto record = postgres::find_key(primary_, id)) return std::move(*record);
    return not_found(id);
}

boost::system::result<KeyAdministration::Changed, KeyRefusal> KeyAdministration::outcome(postgres::KeyChange change,
                                                                                         const std::string& id) const {
    if (change == postgres::KeyChange::done) changed_();
    auto record = postgres::find_key(primary_, id);
    if (change == postgres::KeyChange::not_found || !record) return not_found(id);
    return Changed{std::move(*record), change == postgres::KeyChange::unchanged};
}

boost::system::result<KeyAdministration::Changed, KeyRefusal> KeyAdministration::revoke(const std::string& id) const {
    return outcome(postgres::revoke_key(primary_, id), id);
}

boost::system::result<KeyAdministration::Changed, KeyRefusal> KeyAdministration::set_tier(const std::string& id,
                                                                                          const std::string& tier) const {
    if (auto refusal = unknown_tier(tier)) return std::move(*refusal);
    return outcome(postgres::set_key_tier(primary_, id, tier), id);
}

boost::system::result<IssuedKey, KeyRefusal> KeyAdministration::rotate(const std::string& id,
                                                                       std::chrono::seconds grace) const {
    auto old = postgres::find_key(primary_, id);
    if (!old) return not_found(id);
    const auto now = system_clock::now();
    if (old->expires_at && *old->expires_at <= now) {
        return KeyRefusal{KeyRefusal::Kind::conflict, "the key '" + id + "' has expired: create a new one"};
    }
    postgres::KeyRecord record;
    record.name = old->name;
    record.tier = old->tier_override.value_or(old->tier);
    record.scopes = old->scopes;
    record.expires_at = old->expires_at;
    auto issued = make(std::move(record));
    if (issued.has_error()) return issued;
    switch (postgres::rotate_key(primary_, id, issued->record, grace)) {
        case postgres::KeyChange::done:
            changed_();
            return issued;
        case postgres::KeyChange::unchanged:
            return KeyRefusal{KeyRefusal::Kind::conflict, "the key '" + id + "' is revoked or was rotated already"};
        case postgres::KeyChange::not_found:
            break;
    }
    return not_found(id);
}

std::string_view state_of(const postgres::KeyRecord& key, std::chrono::system_clock::time_point now) {
    if (key.revoked_at && *key.revoked_at <= now) return "revoked";
    if (key.expires_at && *key.expires_at <= now) return "expired";
    return key.revoked_at ? "rotated" : "active";
}

nlohmann::ordered_json to_json(const postgres::KeyRecord& key, std::chrono::system_clock::time_point now) {
    return {{"id", key.id},
            {"name", key.name},
            {"tier", key.tier_override.value_or(key.tier)},
            {"scopes", key.scopes},
            {"state", state_of(key, now)},
            {"created_at", time_or_null(key.created_at)},
            {"expires_at", time_or_null(key.expires_at)},
            {"revoked_at", time_or_null(key.revoked_at)},
            {"replaced_by", key.replaced_by ? nlohmann::ordered_json(*key.replaced_by) : nlohmann::ordered_json{}}};
}

}  // namespace sluice::admin
