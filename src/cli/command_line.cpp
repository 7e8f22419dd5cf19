#include "cli/command_line.hpp"

#include "cli/commands.hpp"
#include "endpoints/usage_report.hpp"
#include "postgres/errors.hpp"
#include "sluice/settings.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <iostream>

namespace sluice::cli {
namespace {

constexpr int failed = 1;
constexpr int usage = 2;

/// Adds a subcommand with the options that all have.
CLI::App* add_command(CLI::App& parent, const char* name, const char* description, Common& common, bool table = false) {
    auto* command = parent.add_subcommand(name, description);
    command->add_option("--config", common.config, "The configuration file (YAML)")->required()->type_name("FILE");
    if (table) command->add_flag("--json", common.json, "Print JSON instead of a table");
    return command;
}

int report(const std::function<int()>& command) {
    try {
        return command();
    } catch (const ConfigurationError& error) {
        std::cerr << error.what() << '\n';
    } catch (const postgres::ConnectionLost& error) {
        std::cerr << "sluice: the primary cannot be reached: " << error.what() << "; check postgres.primary\n";
    } catch (const std::exception& error) {
        std::cerr << "sluice: " << error.what() << '\n';
    }
    return failed;
}

}  // namespace

int run(int argc, char** argv) {
    CLI::App app{"Sluice: an API server in front of PostgreSQL", "sluice"};
    app.require_subcommand(1);
    Common common;
    std::function<int()> chosen;
    const auto choose = [&chosen](CLI::App* command, std::function<int()> action) {
        command->callback([&chosen, action = std::move(action)] { chosen = action; });
    };

    choose(add_command(app, "serve", "Serve the configured routes until SIGTERM or SIGINT", common),
           [&] { return serve(common); });
    choose(add_command(app, "check", "Validate the file, prepare every statement on the primary, print the routes", common,
                       true),
           [&] { return check(common); });
    Migrate steps;
    auto* migrate_command = add_command(
        app, "migrate", "Create or upgrade the schema 'sluice' and the triggers of 'tables' on the primary", common);
    auto* dry_run =
        migrate_command->add_flag("--dry-run", steps.dry_run, "Print the SQL that would be run, and run nothing");
    migrate_command->add_flag("--remove", steps.remove, "Take the triggers away from every table")->excludes(dry_run);
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
        ->check(CLI::Range(1U, endpoints::most_usage_days));
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
    auto* purge_command =
        add_command(app, "purge", "Forget cached answers on every instance (asks this one's admin API)", common);
    auto* what = purge_command->add_option_group("what");
    what->add_option("--tag", tag, "Those with this tag")->type_name("TAG");
    what->add_option("--pattern", pattern, "Those whose path?sorted-query matches this glob")->type_name("GLOB");
    what->require_option(1);
    choose(purge_command, [&] { return purge(common, tag, pattern); });

    bool version_json = false;
    auto* version_command = app.add_subcommand("version", "Print the version");
    version_command->add_flag("--json", version_json, "Print JSON");
    choose(version_command, [&] { return version(version_json); });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : usage;
    }
    return report(chosen);
}

}  // namespace sluice::cli
