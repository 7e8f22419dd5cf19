#include "postgres/schema/table_tracking.hpp"

#include "policy/tag_template.hpp"
#include "postgres/connection/read_statement.hpp"
#include "postgres/connection/single_statement.hpp"
#include "sql/keyset.hpp"
#include "sql/quoting.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>

namespace sluice::postgres {
namespace {

constexpr Duration patience = std::chrono::seconds{30};

std::string hash_of(std::string_view text) {
    std::uint64_t hash = 14695981039346656037u;  // FNV-1a
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
    return digits.data();
}

/// Of one table alone, and short enough for an identifier.
std::string function_name(const TrackedTable& table) {
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    std::string name = table.name.substr(0, 36);
    std::replace_if(name.begin(), name.end(), std::not_fn(is_plain), '_');
    return "sluice.track_" + name + '_' + hash_of(table.name).substr(0, 8);
}

/// The tag of a row `r`; null if one of the columns is.
std::string tag_expression(const std::string& text) {
    const policy::TagTemplate tag{text};
    std::string sql;
    for (std::size_t i = 0; i < tag.literals().size(); ++i) {
        if (i > 0) sql += " || sluice.tag_value(r." + sql::quoted_identifier(tag.names()[i - 1]) + ")";
        const auto& literal = tag.literals()[i];
        if (i == 0) {
            sql += sql::text_literal(literal);
        } else if (!literal.empty()) {
            sql += " || " + sql::text_literal(literal);
        }
    }
    return sql;
}

/// Collects the distinct tags of some rows, one more than will be told.
std::string collect(const TrackedTable& table, std::string_view rows) {
    std::string sql = "            select array_agg(tag) into tags from (select distinct tag from (\n";
    for (std::size_t i = 0; i < table.tags.size(); ++i) {
        sql += std::string{"                "} + (i == 0 ? "" : "union all ") + "select " + tag_expression(table.tags[i]) +
               " as tag from " + std::string{rows} + " r\n";
    }
    return sql + "            ) all_tags where tag is not null limit " + std::to_string(most_tags + 1) + ") few;\n";
}

struct Event {
    const char* name;
    const char* word;
    const char* rows;
};
constexpr std::array events{
    Event{"insert", "insert", " referencing new table as new_rows"},
    Event{"update", "update", " referencing old table as old_rows new table as new_rows"},
    Event{"delete", "delete", " referencing old table as old_rows"},
    Event{"truncate", "truncate", ""},
};

/// Where a table stands, and how it is tracked now.
struct Found {
    std::string qualified;  // empty: there is no such table
    std::string oid;
    std::map<std::string, std::int64_t> columns;  // their types
    int triggers = 0;
    std::string fingerprint;
    char kind = ' ';        // pg_class.relkind of what has the name, be it a table or not; ' ': nothing has it
    std::string relatives;  // a view: what it reads. A partition: its table
    bool divided = false;   // it has partitions, or tables inherit it
};

struct Look {
    std::vector<Found> tables;  // in the order of those asked for
    std::uint64_t xmax = 0;     // of the snapshot they were seen in
};

Look look_at(Connection& connection, std::span<const TrackedTable> tables, TimePoint limit) {
    std::vector<std::string> names;
    std::vector<std::string> functions;
    for (const auto& table : tables) {
        names.push_back(table.name);
        functions.push_back(function_name(table) + "()");
    }
    const auto rows = connection.execute(
        "select pg_snapshot_xmax(pg_current_snapshot())::text, c.oid::text,"
        " quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
        " (select json_object_agg(attname, atttypid::bigint) from pg_attribute"
        "  where attrelid = c.oid and attnum > 0 and not attisdropped)::text,"
        " (select count(*) from pg_trigger where tgrelid = c.oid and tgname like 'sluice\\_track\\_%'"
        "  and tgenabled in ('O', 'A') and tgfoid = to_regprocedure(function))::text,"
        " coalesce(obj_description(to_regprocedure(function), 'pg_proc'), ''),"
        " k.relkind::text,"
        " case when k.relkind in ('v', 'm') then (select string_agg(distinct d.refobjid::regclass::text, ', ')"
        "   from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid"
        "   and d.refclassid = 'pg_class'::regclass and d.refobjid <> w.ev_class where w.ev_class = k.oid)"
        "  when k.relispartition then (select inhparent::regclass::text from pg_inherits where inhrelid = k.oid) end,"
        " exists (select from pg_inherits where inhparent = k.oid)"
        " from unnest($1::text[], $2::text[]) with ordinality asked(name, function, place)"
        " left join pg_class k on k.oid = to_regclass(name)"
        " left join pg_class c on c.oid = k.oid and c.relkind in ('r', 'p')"
        " left join pg_namespace n on n.oid = c.relnamespace order by place",
        {sql::array_literal(names), sql::array_literal(functions)}, limit);
    Look look;
    for (const auto& row : rows) {
        look.xmax = number<std::uint64_t>(row.at(0));
        look.tables.push_back({row.at(2).value_or(""), row.at(1).value_or(""),
                               nlohmann::json::parse(row.at(3).value_or("{}")).get<std::map<std::string, std::int64_t>>(),
                               std::stoi(row.at(4).value_or("0")), row.at(5).value_or(""), row.at(6).value_or(" ").front(),
                               row.at(7).value_or(""), row.at(8) == "t"});
    }
    return look;
}

std::vector<Found> look_at(const std::string& url, std::span<const TrackedTable> tables) {
    Watchdog watchdog;
    const auto limit = Clock::now() + patience;
    Connection connection{url, watchdog, limit};
    return look_at(connection, tables, limit).tables;
}

std::string fingerprint_of(const std::string& sql) { return "Sluice " + hash_of(sql); }

bool tracked(const TrackedTable& table, const Found& found) {
    return found.triggers == static_cast<int>(events.size()) &&
           found.fingerprint == fingerprint_of(tracking_sql(table, found.qualified));
}

/// With the comment by which it is known again.
std::string whole_sql(const TrackedTable& table, const std::string& qualified) {
    const auto sql = tracking_sql(table, qualified);
    return sql + "comment on function " + function_name(table) + "() is " + sql::text_literal(fingerprint_of(sql)) + ";\n";
}

/// What has the name of a table, and tells of no changes.
std::string why_no_table(const TrackedTable& table, const Found& found) {
    const auto name = "'" + table.name + "'";
    const auto& reads = found.relatives;
    switch (found.kind) {
        case 'v':
            return name + " is a view, and a view has no changes of its own: name the tables that it reads" +
                   (reads.empty() ? "" : " (" + reads + ")");
        case 'm':
            return name +
                   " is a materialized view: no trigger sees it refreshed. Leave it out, and purge its tag after each"
                   " refresh (sluice purge --tag), or give its routes a short ttl";
        case 'f':
            return name +
                   " is a foreign table: what others change on its own server would be missed. Leave it out, and give its"
                   " routes a short ttl";
        case ' ':
            return "there is no table " + name;
        default:
            return name + " is no table";
    }
}

/// What the triggers of a table do not see.
std::string what_is_missed(const TrackedTable& table, const Found& found) {
    const auto name = "the table '" + table.name + "'";
    if (!found.relatives.empty()) {
        return name + " is a partition of " + found.relatives + ": changes made through that are missed; name " +
               found.relatives + " instead";
    }
    if (found.divided) {
        return name + (found.kind == 'p' ? " has partitions" : " is inherited") +
               ": changes of a part of it by the part's own name are missed";
    }
    return {};
}

void check(std::size_t index, const TrackedTable& table, const Found& found, std::vector<TableMistake>& mistakes) {
    if (found.qualified.empty()) {
        mistakes.push_back({index, why_no_table(table, found)});
        return;
    }
    for (const auto& text : table.tags) {
        const policy::TagTemplate tag{text};
        for (const auto& name : tag.names()) {
            if (found.columns.contains(name)) continue;
            mistakes.push_back({index, "the table '" + table.name + "' has no column '" + name + "'"});
        }
    }
}

}  // namespace

std::string tracking_sql(const TrackedTable& table, std::string_view qualified) {
    const auto function = function_name(table);
    const auto own = "array[" + sql::text_literal(table.own_tag()) + "]";
    std::string sql = "create or replace function " + function +
                      "() returns trigger language plpgsql security definer\n"
                      "    set search_path = pg_catalog, pg_temp set datestyle = 'ISO' set timezone = 'UTC'\n"
                      "    set intervalstyle = 'postgres' set bytea_output = 'hex' set extra_float_digits = 1 as $track$\n"
                      "declare\n"
                      "    tags text[];\n"
                      "begin\n"
                      "    begin\n"
                      "        if tg_op = 'INSERT' then\n" +
                      collect(table, "new_rows") + "        elsif tg_op = 'UPDATE' then\n" +
                      collect(table, "(select * from old_rows union all select * from new_rows)") +
                      "        elsif tg_op = 'DELETE' then\n" + collect(table, "old_rows") +
                      "        else\n"
                      "            tags := " +
                      own +
                      ";\n"
                      "        end if;\n"
                      "    exception when others then  -- a column is gone, or is another: no reason for the write to fail\n"
                      "        tags := " +
                      own +
                      ";\n"
                      "    end;\n"
                      "    if cardinality(tags) > " +
                      std::to_string(most_tags) + " then tags := " + own +
                      "; end if;\n"
                      "    insert into sluice.invalidation (kind, name) select 'tag', unnest(tags);\n"
                      "    return null;\n"
                      "end $track$;\n";
    for (const auto& event : events) {
        sql += std::string{"create or replace trigger sluice_track_"} + event.name + " after " + event.word + " on " +
               std::string{qualified} + event.rows + "\n    for each statement execute function " + function + "();\n";
    }
    return sql;
}

TrackingReport inspect_tracking(const std::string& url, std::span<const TrackedTable> tables) {
    TrackingReport report;
    std::set<std::string> known;
    const auto all = look_at(url, tables);
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const auto& found = all[i];
        check(i, tables[i], found, report.mistakes);
        if (found.qualified.empty()) continue;
        if (!known.insert(found.qualified).second) {
            report.mistakes.push_back({i, "the table '" + tables[i].name + "' is tracked under another name already"});
        }
        if (!tracked(tables[i], found)) report.untracked.push_back(tables[i].name);
        if (auto missed = what_is_missed(tables[i], found); !missed.empty()) report.missed.push_back({i, std::move(missed)});
    }
    const auto rows = run_single(url,
                                 "select distinct quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_trigger t"
                                 " join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace"
                                 " where t.tgname like 'sluice\\_track\\_%' order by 1",
                                 {});
    for (const auto& row : rows) {
        if (!known.contains(row.at(0).value())) report.others.push_back(row.at(0).value());
    }
    return report;
}

TableStates look_at_tables(Connection& connection, std::span<const TrackedTable> tables, TimePoint limit) {
    const auto look = look_at(connection, tables, limit);
    TableStates states;
    states.xmax = look.xmax;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const auto& found = look.tables[i];
        TableState state;
        state.shape = found.oid;
        for (const auto& [column, type] : found.columns) state.shape += ',' + column + ' ' + std::to_string(type);
        std::vector<TableMistake> mistakes;
        check(i, tables[i], found, mistakes);
        if (!mistakes.empty()) {
            state.trouble = mistakes.front().message;
        } else if (!tracked(tables[i], found)) {
            state.trouble = "the table '" + tables[i].name + "' is not tracked as configured";
        }
        state.told = tracked(tables[i], found);
        states.tables.push_back(std::move(state));
    }
    return states;
}

std::string missing_tracking_sql(const std::string& url, std::span<const TrackedTable> tables) {
    std::string sql;
    const auto all = look_at(url, tables);
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const auto& table = tables[i];
        const auto& found = all[i];
        if (!found.qualified.empty() && !tracked(table, found)) sql += whole_sql(table, found.qualified);
    }
    return sql;
}

void track(const std::string& url, std::span<const TrackedTable> tables, const std::function<void(std::string_view)>& log,
           const LockWaiting& waiting) {
    Watchdog watchdog;
    Connection connection{url, watchdog, Clock::now() + patience};
    const auto all = look_at(connection, tables, Clock::now() + patience).tables;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const auto& table = tables[i];
        const auto& found = all[i];
        if (found.qualified.empty() || tracked(table, found)) continue;
        const auto sql = whole_sql(table, found.qualified);
        run_with_short_locks(connection, {"the table " + table.name, {found.qualified}}, waiting,
                             [&](TimePoint limit) { connection.execute(sql, limit); });
        log("table " + table.name + ": changes by anyone invalidate its tags");
    }
}

void untrack_all(const std::string& url, const std::function<void(std::string_view)>& log, const LockWaiting& waiting) {
    Watchdog watchdog;
    Connection connection{url, watchdog, Clock::now() + patience};
    const auto rows = connection.execute(
        "select quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(t.tgname),"
        " t.tgfoid::regprocedure::text from pg_trigger t join pg_class c on c.oid = t.tgrelid"
        " join pg_namespace n on n.oid = c.relnamespace where t.tgname like 'sluice\\_track\\_%' order by 1, 2",
        Clock::now() + patience);
    std::map<std::string, std::string> of_tables;  // their statements
    std::set<std::string> functions;
    for (const auto& row : rows) {
        const auto& table = row.at(0).value();
        of_tables[table] += "drop trigger if exists " + row.at(1).value() + " on " + table + ";\n";
        functions.insert(row.at(2).value());
    }
    for (const auto& [table, sql] : of_tables) {
        run_with_short_locks(connection, {"the table " + table, {table}, true}, waiting,
                             [&, &statements = sql](TimePoint limit) { connection.execute(statements, limit); });
        log("table " + table + ": its changes are no longer told");
    }
    for (const auto& function : functions)
        connection.execute("drop function if exists " + function, Clock::now() + patience);
}

}  // namespace sluice::postgres
