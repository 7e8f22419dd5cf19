#include "auth/key_codec.hpp"
#include "cli/commands.hpp"
#include "cli/iso_time.hpp"
#include "cli/table.hpp"
#include "config/duration.hpp"
#include "postgres/key_store.hpp"
#include "postgres/schema.hpp"
#include "sluice/settings.hpp"

#include <nlohmann/json.hpp>

#include <iostream>

namespace sluice::cli {
namespace {

using std::chrono::system_clock;

const PostgresSettings& postgres_of(const Settings& settings) {
    if (!settings.postgres) throw Failure{"the configuration has no 'postgres': there is no place to record keys"};
    return *settings.postgres;
}

/// The settings, with the schema in place.
Settings prepared(const Common& common) {
    auto settings = load_settings(common.config);
    postgres::migrate(postgres_of(settings).primary);
    return settings;
}

void require_tier(const Settings& settings, const std::string& tier) {
    if (settings.tiers.contains(tier)) return;
    std::string known;
    for (const auto& [name, limit] : settings.tiers) known += (known.empty() ? "" : ", ") + name;
    throw Failure{"there is no tier '" + tier + "'; the configuration has " + known};
}

std::string time_or_dash(const std::optional<system_clock::time_point>& moment) { return moment ? iso_time(*moment) : "-"; }

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
    return text.empty() ? "-" : text;
}

std::string state_of(const postgres::KeyRecord& key) {
    if (key.revoked_at) return "revoked";
    if (key.expires_at && *key.expires_at <= system_clock::now()) return "expired";
    return "active";
}

nlohmann::ordered_json to_json(const postgres::KeyRecord& key) {
    const auto time = [](const std::optional<system_clock::time_point>& moment) {
        return moment ? nlohmann::ordered_json(iso_time(*moment)) : nlohmann::ordered_json{};
    };
    return {{"id", key.id},
            {"name", key.name},
            {"tier", key.tier_override.value_or(key.tier)},
            {"scopes", key.scopes},
            {"state", state_of(key)},
            {"created_at", time(key.created_at)},
            {"expires_at", time(key.expires_at)},
            {"revoked_at", time(key.revoked_at)}};
}

int report(postgres::KeyChange change, const std::string& id, const std::string& done) {
    switch (change) {
        case postgres::KeyChange::done:
            std::cout << done << '\n';
            return 0;
        case postgres::KeyChange::unchanged:
            std::cout << "it was so already\n";
            return 0;
        case postgres::KeyChange::not_found:
            break;
    }
    throw Failure{"there is no key with the id '" + id + "'; 'sluice keys list' shows the ids"};
}

}  // namespace

int create_key(const Common& common, const CreateKey& wanted) {
    const auto settings = prepared(common);
    require_tier(settings, wanted.tier);
    if (settings.auth.key_secrets.empty()) throw Failure{"auth.key_secrets is empty: a key needs a secret to be made with"};

    postgres::KeyRecord record;
    record.id = auth::generate_key_id();
    record.name = wanted.name;
    record.tier = wanted.tier;
    record.scopes = wanted.scopes;
    auth::KeyData data{record.id, wanted.tier, 0, wanted.scopes};
    if (wanted.expires) {
        const auto duration = config::parse_duration(*wanted.expires);
        if (!duration || duration->count() == 0)
            throw Failure{"--expires '" + *wanted.expires + "' is no duration: write 90d, 12h or the like"};
        record.expires_at = system_clock::now() + *duration;
        data.expires = std::chrono::floor<std::chrono::seconds>(record.expires_at->time_since_epoch()).count();
    }
    const auto key = auth::KeyCodec{settings.auth.key_secrets}.issue(data);
    if (!postgres::insert_key(postgres_of(settings).primary, record))
        throw Failure{"the key id is taken already; try again"};

    if (common.json) {
        auto document = to_json(record);
        document["created_at"] = iso_time(system_clock::now());
        document["key"] = key;
        std::cout << document.dump(2) << '\n';
    } else {
        // The key alone on stdout, so that a script can take it; the rest for people.
        std::cerr << "id " << record.id << ", tier " << record.tier << "; the key is shown only now:\n";
        std::cout << key << '\n';
    }
    return 0;
}

int list_keys(const Common& common) {
    const auto settings = prepared(common);
    const auto keys = postgres::list_keys(postgres_of(settings).primary);
    if (common.json) {
        auto all = nlohmann::ordered_json::array();
        for (const auto& key : keys) all.push_back(to_json(key));
        std::cout << all.dump(2) << '\n';
        return 0;
    }
    std::vector<std::vector<std::string>> rows{{"ID", "NAME", "TIER", "SCOPES", "STATE", "CREATED", "EXPIRES"}};
    for (const auto& key : keys) {
        rows.push_back({key.id, key.name, key.tier_override.value_or(key.tier), joined(key.scopes), state_of(key),
                        time_or_dash(key.created_at), time_or_dash(key.expires_at)});
    }
    print_table(std::cout, rows);
    return 0;
}

int revoke_key(const Common& common, const std::string& id) {
    const auto settings = prepared(common);
    return report(postgres::revoke_key(postgres_of(settings).primary, id), id, "revoked " + id);
}

int set_key_tier(const Common& common, const std::string& id, const std::string& tier) {
    const auto settings = prepared(common);
    require_tier(settings, tier);
    return report(postgres::set_key_tier(postgres_of(settings).primary, id, tier), id, id + " is now of tier " + tier);
}

int migrate(const Common& common) {
    const auto settings = load_settings(common.config);
    const auto print = [](std::string_view line) { std::cout << line << '\n'; };
    if (postgres::migrate(postgres_of(settings).primary, print) == 0) std::cout << "the schema 'sluice' is up to date\n";
    return 0;
}

}  // namespace sluice::cli
