#include "cli/command_line.hpp"

#include "admin/usage_report.hpp"
#include "app/descriptors.hpp"
#include "cli/commands.hpp"
#include "config/suggestion.hpp"
#include "postgres/connection/errors.hpp"
#include "postgres/schema/short_locks.hpp"
#include "sluice/settings.hpp"

#include <CLI/CLI.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <iostream>
#include <span>
#include <string>
#include <vector>

namespace sluice::cli {
namespace {

constexpr int failed = 1;
constexpr int usage = 2;

/// Adds a subcommand with the options that all have.
CLI::App* add_command(CLI::App& parent, const char* name, const char* description, Common& common, bool table = false) {
    auto* command = parent.add_subcommand(name, description);
    command->add_option("-c,--config", common.config, "The configuration file (YAML)")->required()->type_name("FILE");
    if (table) command->add_flag("--json", common.json, "Print JSON instead of a table");
    return command;
}

/// One line, or with `json` an object with `error` and, of a configuration, `mistakes`.
void print_error(const std::string& message, bool json, const std::vector<ConfigurationMistake>& mistakes = {}) {
    if (!json) {
        std::cerr << message << '\n';
        return;
    }
    nlohmann::ordered_json document{{"error", message}};
    for (const auto& [location, what] : mistakes) {
        document["mistakes"].push_back(
            {{"file", location.file}, {"line", location.line}, {"column", location.column}, {"message", what}});
    }
    // `replace`: a message may quote a file that is not UTF-8.
    std::cerr << document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

int report(const std::function<int()>& command, bool json) {
    try {
        return command();
    } catch (const ConfigurationError& error) {
        const bool has_places = !error.mistakes().empty() && error.mistakes().front().location.line > 0;
        if (has_places && json) {
            print_error("the configuration has mistakes", true, error.mistakes());
        } else {
            print_error(error.what(), json);
        }
    } catch (const postgres::LockedOut& error) {
        print_error("sluice: " + std::string{error.what()}, json);
        return locked_out;
    } catch (const postgres::ConnectionLost& error) {
        print_error("sluice: the primary cannot be reached: " + std::string{error.what()} + "; check postgres.primary",
                    json);
    } catch (const std::exception& error) {
        print_error("sluice: " + std::string{error.what()}, json);
    }
    return failed;
}

std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (!command->get_name().empty()) names.push_back(command->get_name());
    }
    return names;
}

std::vector<std::string> options_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* option : app.get_options()) {
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
}

/// What is no command or option where it stands, with what may have been meant; empty: CLI11 knows better.
std::string what_is_unknown(const CLI::App& app, std::span<const std::string> words) {
    const auto* at = &app;
    for (const auto& word : words) {
        if (word == "--") break;
        const bool option = word.starts_with("--");
        const auto name = word.substr(0, word.find('='));
        const auto commands = commands_of(*at);
        const auto known = option ? options_of(*at) : commands;
        if (std::find(known.begin(), known.end(), name) != known.end()) {
            if (!option) at = at->get_subcommand(name);
            continue;
        }
        if (option) return "sluice: unknown option '" + name + "'" + config::suggestion(name, known);
        if (commands.empty() || word.starts_with('-')) continue;
        const auto meant = config::suggestion(word, known);
        return "sluice: unknown command '" + word + "'" + (meant.empty() ? "; 'sluice --help' names all" : meant);
    }
    return {};
}

/// `help [COMMAND…]` is `COMMAND… --help`.
std::vector<std::string> words_of(int argc, char** argv) {
    std::vector<std::string> words{argv + 1, argv + argc};
    if (words.empty() || words.front() != "help") return words;
    words.erase(words.begin());
    words.emplace_back("--help");
    return words;
}

}  // namespace

int run(int argc, char** argv) {
    app::open_standard_descriptors();
    CLI::App app{"Sluice: an API server in front of PostgreSQL", "sluice"};
    app.require_subcommand(1);
    app.set_version_flag("-V,--version", "sluice " SLUICE_VERSION);
    Common common;
    std::function<int()> chosen;
    const auto choose = [&chosen](CLI::App* command, std::function<int()> action) {
        command->callback([&chosen, action = std::move(action)] { chosen = action; });
    };

    choose(add_command(app, "serve", "Serve the configured routes until SIGTERM or SIGINT", common),
           [&] { return serve(common); });
    Check how;
    auto* check_command = add_command(
        app, "check", "Validate the file, prepare every statement on the primary, print the routes", common, true);
    check_command->add_flag("--offline", how.offline, "Validate the file alone: ask nothing of the database");
    choose(check_command, [&] { return check(common, how); });
    Migrate steps;
    auto* migrate_command = add_command(
        app, "migrate", "Create or upgrade the schema 'sluice' and the triggers of 'tables' on the primary", common);
    auto* dry_run =
        migrate_command->add_flag("--dry-run", steps.dry_run, "Print the SQL that would be run, and run nothing");
    migrate_command->add_flag("--remove", steps.remove, "Take the triggers away from every table")->excludes(dry_run);
    migrate_command
        ->add_option("--wait", steps.wait, "How long to try for a lock that another transaction holds; then exit 75")
        ->type_name("DURATION")
        ->capture_default_str();
    choose(migrate_command, [&] { return migrate(common, steps); });

    auto* keys = app.add_subcommand("keys", "Create, list, rotate and revoke API keys (applies migrations)");
    keys->require_subcommand(1);
    CreateKey create;
    auto* create_command = add_command(*keys, "create", "Create a key; it is printed once and not stored", common, true);
    create_command->add_option("--tier", create.tier, "One of the configured tiers")->required();
    create_command->add_option("--name", create.name, "Whom or what it is for")->required();
    create_command->add_option("--scope", create.scopes, "A scope it grants; may be repeated")->type_name("SCOPE");
    create_command->add_option("--expires", create.expires, "How long it is valid, e.g. 90d; default: for good")
        ->type_name("DURATION");
    choose(create_command, [&] { return create_key(common, create); });
    ListKeys list;
    auto* list_command = add_command(*keys, "list", "List the keys' metadata, newest first", common, true);
    list_command->add_option("--name", list.name, "Those whose name begins so")->type_name("TEXT");
    list_command->add_option("--tier", list.tier, "Those of this tier");
    list_command->add_option("--state", list.state, "Those in this state")
        ->check(CLI::IsMember({"active", "expired", "revoked"}));
    list_command->add_option("--limit", list.limit, "How many at most")->capture_default_str()->check(CLI::PositiveNumber);
    choose(list_command, [&] { return list_keys(common, list); });
    std::string id;
    std::string tier;
    auto* show_command = add_command(*keys, "show", "Show one key's metadata", common, true);
    show_command->add_option("ID", id, "The key's id, as 'list' prints it")->required();
    choose(show_command, [&] { return show_key(common, id); });
    auto* revoke_command = add_command(*keys, "revoke", "Revoke a key; instances refuse it within a second", common, true);
    revoke_command->add_option("ID", id, "The key's id, as 'list' prints it")->required();
    choose(revoke_command, [&] { return revoke_key(common, id); });
    auto* set_tier_command =
        add_command(*keys, "set-tier", "Move a key to another tier, whatever is written in it", common, true);
    set_tier_command->add_option("ID", id, "The key's id, as 'list' prints it")->required();
    set_tier_command->add_option("TIER", tier, "One of the configured tiers")->required();
    choose(set_tier_command, [&] { return set_key_tier(common, id, tier); });
    std::string grace = "24h";
    auto* rotate_command =
        add_command(*keys, "rotate", "Make a key's successor; the old one stays valid for the grace", common, true);
    rotate_command->add_option("ID", id, "The key's id, as 'list' prints it")->required();
    rotate_command->add_option("--grace", grace, "How long the old key stays valid")
        ->type_name("DURATION")
        ->capture_default_str();
    choose(rotate_command, [&] { return rotate_key(common, id, grace); });

    std::string credential;
    auto* verify_key_command = add_command(
        *keys, "verify", "Print what a key says, or why it is refused (revocations are not looked at)", common, true);
    verify_key_command->add_option("KEY", credential, "The key; '-' reads it from standard input")->required();
    choose(verify_key_command, [&] { return verify_key(common, credential); });

    unsigned days = 30;
    auto* usage_command = add_command(app, "usage", "Print what a key used, day by day (UTC)", common, true);
    usage_command->add_option("--key", id, "The key's id, as 'keys list' prints it")->required()->type_name("ID");
    usage_command->add_option("--days", days, "How many days, today included")
        ->capture_default_str()
        ->check(CLI::Range(1U, admin::most_usage_days));
    choose(usage_command, [&] { return show_usage(common, id, days); });

    auto* token = app.add_subcommand("token", "Look at JSON Web Tokens");
    token->require_subcommand(1);
    VerifyToken verify;
    auto* verify_token_command =
        token->add_subcommand("verify", "Print a token's claims, or why it is refused; --config, --jwk or both are needed");
    verify_token_command->add_option("--config", common.config, "The configuration file (YAML): its auth.jwt is applied")
        ->type_name("FILE");
    verify_token_command->add_option("--jwk", verify.jwk, "A JWK, or a set of them, instead of the configured keys")
        ->type_name("FILE");
    verify_token_command->add_flag("--json", common.json, "Print JSON that says what the server would make of it");
    verify_token_command->add_option("TOKEN", verify.token, "The token; '-' reads it from standard input")->required();
    choose(verify_token_command, [&] { return verify_token(common, verify); });

    std::optional<std::string> tag;
    std::optional<std::string> pattern;
    bool everything = false;
    auto* purge_command =
        add_command(app, "purge", "Forget cached answers on every instance (asks this one's admin API)", common);
    auto* what = purge_command->add_option_group("what");
    what->add_option("--tag", tag, "Those with this tag")->type_name("TAG");
    what->add_option("--pattern", pattern, "Those whose path?sorted-query matches this glob")->type_name("GLOB");
    what->add_flag("--all", everything, "All of them");
    what->require_option(1);
    choose(purge_command, [&] { return purge(common, everything ? Purged{} : Purged{tag, pattern}); });

    bool version_json = false;
    auto* version_command = app.add_subcommand("version", "Print the version");
    version_command->add_flag("--json", version_json, "Print JSON");
    choose(version_command, [&] { return version(version_json); });

    auto words = words_of(argc, argv);
    const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
    try {
        app.parse(std::vector<std::string>{words.rbegin(), words.rend()});  // CLI11 takes the last first
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        const auto unknown = what_is_unknown(app, words);
        if (unknown.empty() && !json) return app.exit(error) == 0 ? 0 : usage;
        print_error(unknown.empty() ? "sluice: " + std::string{error.what()} : unknown, json);
        return usage;
    }
    return report(chosen, json);
}

}  // namespace sluice::cli
