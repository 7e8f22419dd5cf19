#include "admin/key_administration.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "postgres/schema/schema.hpp"
#include "runtime/duration.hpp"
#include "runtime/iso_time.hpp"
#include "sluice/settings.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace sluice::cli {
namespace {

using admin::KeyAdministration;
using admin::state_of;
using admin::to_json;
using std::chrono::system_clock;

const PostgresSettings& postgres_of(const Settings& settings) {
    if (!settings.postgres) throw Failure{"the configuration has no 'postgres': there is no place to record keys"};
    return *settings.postgres;
}

/// With the schema in place.
KeyAdministration administration(const Common& common) {
    const auto settings = load_settings(common.config);
    const auto& primary = postgres_of(settings).primary;
    postgres::migrate(primary);
    return {primary, settings.auth.key_secrets, settings.tiers};
}

[[noreturn]] void refuse(const admin::KeyRefusal& refusal) {
    const bool unknown = refusal.kind == admin::KeyRefusal::Kind::not_found;
    throw Failure{refusal.message + (unknown ? "; 'sluice keys list' shows the ids" : "")};
}

std::optional<std::chrono::milliseconds> duration_of(const char* option, const std::optional<std::string>& text,
                                                     bool may_be_zero) {
    if (!text) return std::nullopt;
    const auto duration = runtime::parse_duration(*text);
    if (!duration || (duration->count() == 0 && !may_be_zero)) {
        throw Failure{std::string{option} + " '" + *text + "' is no duration: write 90d, 12h or the like"};
    }
    return duration;
}

std::string time_or_dash(const std::optional<system_clock::time_point>& moment) {
    return moment ? runtime::iso_time(*moment) : "-";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
    return text.empty() ? "-" : text;
}

std::string tier_of(const postgres::KeyRecord& key) { return key.tier_override.value_or(key.tier); }

int print_issued(const Common& common, const admin::IssuedKey& key, const std::string& note) {
    if (common.json) {
        auto document = to_json(key.record, system_clock::now());
        document["key"] = key.text;
        std::cout << document.dump(2) << '\n';
    } else {
        // The key alone on stdout, so that a script can take it; the rest for people.
        std::cerr << note << "id " << key.record.id << ", tier " << key.record.tier << "; the key is shown only now:\n";
        std::cout << key.text << '\n';
    }
    return 0;
}

int print_change(const Common& common, const boost::system::result<KeyAdministration::Changed, admin::KeyRefusal>& changed,
                 const std::string& done) {
    if (!changed) refuse(changed.error());
    if (common.json) {
        std::cout << to_json(changed->record, system_clock::now()).dump(2) << '\n';
    } else {
        std::cout << (changed->was_so ? "it was so already" : done) << '\n';
    }
    return 0;
}

postgres::KeyFilter filter_of(const ListKeys& wanted) {
    using State = postgres::KeyFilter::State;
    postgres::KeyFilter filter;
    filter.name_prefix = wanted.name;
    filter.tier = wanted.tier;
    if (wanted.state == "active") filter.state = State::active;
    if (wanted.state == "expired") filter.state = State::expired;
    if (wanted.state == "revoked") filter.state = State::revoked;
    return filter;
}

/// As many as wanted, in pages; and whether there are more.
std::pair<std::vector<postgres::KeyRecord>, bool> first_keys(const KeyAdministration& keys, const ListKeys& wanted) {
    constexpr std::size_t page = 1'000;
    auto filter = filter_of(wanted);
    std::vector<postgres::KeyRecord> all;
    while (all.size() <= wanted.limit) {
        filter.limit = std::min(page, wanted.limit + 1 - all.size());
        auto some = keys.list(filter);
        const bool last = some.size() < filter.limit;
        std::move(some.begin(), some.end(), std::back_inserter(all));
        if (last) return {std::move(all), false};
        filter.after = {all.back().created_at.value(), all.back().id};
    }
    all.pop_back();
    return {std::move(all), true};
}

}  // namespace

int create_key(const Common& common, const CreateKey& wanted) {
    const auto valid_for = duration_of("--expires", wanted.expires, false);
    const auto issued = administration(common).create({wanted.name, wanted.tier, wanted.scopes, valid_for});
    if (!issued) refuse(issued.error());
    return print_issued(common, *issued, "");
}

int list_keys(const Common& common, const ListKeys& wanted) {
    const auto [keys, more] = first_keys(administration(common), wanted);
    if (more) std::cerr << "there are more: --limit shows them, --name, --tier and --state choose\n";
    const auto now = system_clock::now();
    if (common.json) {
        auto all = nlohmann::ordered_json::array();
        for (const auto& key : keys) all.push_back(to_json(key, now));
        std::cout << all.dump(2) << '\n';
        return 0;
    }
    std::vector<std::vector<std::string>> rows{{"ID", "NAME", "TIER", "SCOPES", "STATE", "CREATED", "EXPIRES"}};
    for (const auto& key : keys) {
        rows.push_back({key.id, key.name, tier_of(key), joined(key.scopes), std::string{state_of(key, now)},
                        time_or_dash(key.created_at), time_or_dash(key.expires_at)});
    }
    print_table(std::cout, rows);
    return 0;
}

int show_key(const Common& common, const std::string& id) {
    const auto key = administration(common).show(id);
    if (!key) refuse(key.error());
    const auto now = system_clock::now();
    if (common.json) {
        std::cout << to_json(*key, now).dump(2) << '\n';
        return 0;
    }
    print_table(std::cout, {{"ID", key->id},
                            {"NAME", key->name},
                            {"TIER", tier_of(*key)},
                            {"SCOPES", joined(key->scopes)},
                            {"STATE", std::string{state_of(*key, now)}},
                            {"CREATED", time_or_dash(key->created_at)},
                            {"EXPIRES", time_or_dash(key->expires_at)},
                            {"REVOKED", time_or_dash(key->revoked_at)},
                            {"REPLACED BY", key->replaced_by.value_or("-")}});
    return 0;
}

int revoke_key(const Common& common, const std::string& id) {
    return print_change(common, administration(common).revoke(id), "revoked " + id);
}

int set_key_tier(const Common& common, const std::string& id, const std::string& tier) {
    return print_change(common, administration(common).set_tier(id, tier), id + " is now of tier " + tier);
}

int rotate_key(const Common& common, const std::string& id, const std::string& grace) {
    const auto valid_for = std::chrono::ceil<std::chrono::seconds>(duration_of("--grace", grace, true).value());
    const auto issued = administration(common).rotate(id, valid_for);
    if (!issued) refuse(issued.error());
    return print_issued(common, *issued, id + " is valid for " + grace + " more; its successor: ");
}

}  // namespace sluice::cli
