#include "app/route_check.hpp"
#include "cli/commands.hpp"
#include "postgres/schema/schema.hpp"
#include "postgres/schema/short_locks.hpp"
#include "postgres/schema/table_tracking.hpp"
#include "runtime/duration.hpp"
#include "sluice/settings.hpp"

#include <iostream>

namespace sluice::cli {
namespace {

void print(std::string_view line) { std::cout << line << '\n'; }

/// All of it is checked before any of it is done.
void throw_if_wrong(const Settings& settings) {
    std::vector<std::string> notes;
    auto mistakes = app::check_tables(settings, notes);
    if (!mistakes.empty()) throw ConfigurationError{std::move(mistakes)};
}

}  // namespace

int migrate(const Common& common, const Migrate& wanted) {
    const auto settings = load_settings(common.config);
    if (!settings.postgres) throw Failure{"the configuration has no 'postgres': there is nothing to migrate"};
    const auto& primary = settings.postgres->primary;
    const auto patience = runtime::parse_duration(wanted.wait);
    if (!patience) throw Failure{"--wait takes a duration such as 60s or 5m"};
    const postgres::LockWaiting waiting{*patience, [](std::string_view line) { std::cerr << line << std::endl; }};
    if (wanted.remove) {
        postgres::untrack_all(primary, print, waiting);
        return 0;
    }
    throw_if_wrong(settings);
    if (wanted.dry_run) {
        const auto sql = postgres::pending_sql(primary) + postgres::missing_tracking_sql(primary, settings.tables);
        // Whoever runs it gets an error where the command tries again.
        const auto set = "set lock_timeout = '" + std::to_string(postgres::lock_timeout.count()) + "ms';\n";
        std::cout << (sql.empty() ? "-- nothing to do\n" : set + sql);
        return 0;
    }
    int done = postgres::migrate(primary, print, waiting);
    const auto note = [&done](std::string_view line) {
        print(line);
        ++done;
    };
    postgres::track(primary, settings.tables, note, waiting);
    if (done == 0) print("the schema 'sluice' is up to date");
    return 0;
}

}  // namespace sluice::cli
