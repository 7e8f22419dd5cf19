#include "postgres/table_tracking.hpp"

#include "policy/tag_template.hpp"
#include "postgres/single_statement.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

namespace sluice::postgres {
namespace {

std::string quoted_name(std::string_view name) {
    std::string text{"\""};
    for (const char c : name) text.append(c == '"' ? 2U : 1U, c);
    return text + '"';
}

std::string quoted_text(std::string_view value) {
    std::string text{value.find('\\') == value.npos ? "'" : "E'"};
    for (const char c : value) text.append(c == '\'' || c == '\\' ? 2U : 1U, c);
    return text + '\'';
}

std::string hash_of(std::string_view text) {
    std::uint64_t hash = 14695981039346656037u;  // FNV-1a
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
    return digits.data();
}

/// Of one table alone, and short enough for an identifier.
std::string function_name(const TrackedTable& table) {
    std::string name = table.name.substr(0, 36);
    std::replace(name.begin(), name.end(), '.', '_');
    return "sluice.track_" + name + '_' + hash_of(table.name).substr(0, 8);
}

/// The tag of a row `r`; null if one of the columns is.
std::string tag_expression(const std::string& text) {
    const policy::TagTemplate tag{text};
    std::string sql;
    for (std::size_t i = 0; i < tag.literals().size(); ++i) {
        if (i > 0) sql += " || sluice.tag_text(r." + quoted_name(tag.names()[i - 1]) + "::text)";
        const auto& literal = tag.literals()[i];
        if (i == 0) {
            sql += quoted_text(literal);
        } else if (!literal.empty()) {
            sql += " || " + quoted_text(literal);
        }
    }
    return sql;
}

/// Collects the distinct tags of some rows, one more than will be told.
std::string collect(const TrackedTable& table, std::string_view rows) {
    std::string sql = "        select array_agg(tag) into tags from (select distinct tag from (\n";
    for (std::size_t i = 0; i < table.tags.size(); ++i) {
        sql += std::string{"            "} + (i == 0 ? "" : "union all ") + "select " + tag_expression(table.tags[i]) +
               " as tag from " + std::string{rows} + " r\n";
    }
    return sql + "        ) all_tags where tag is not null limit " + std::to_string(most_tags + 1) + ") few;\n";
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
    std::set<std::string> columns;
    int triggers = 0;
    std::string fingerprint;
};

Found look_at(const std::string& url, const TrackedTable& table) {
    const auto rows = run_single(
        url,
        "select quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
        " (select json_agg(attname) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)::text,"
        " (select count(*) from pg_trigger where tgrelid = c.oid and tgname like 'sluice\\_track\\_%'"
        "  and tgenabled in ('O', 'A') and tgfoid = to_regprocedure($2 || '()'))::text,"
        " coalesce(obj_description(to_regprocedure($2 || '()'), 'pg_proc'), '')"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.oid = to_regclass($1) and c.relkind in ('r', 'p')",
        {table.name, function_name(table)});
    if (rows.empty()) return {};
    const auto& row = rows.front();
    return {row.at(0).value(), nlohmann::json::parse(row.at(1).value_or("[]")).get<std::set<std::string>>(),
            std::stoi(row.at(2).value_or("0")), row.at(3).value_or("")};
}

std::string fingerprint_of(const std::string& sql) { return "Sluice " + hash_of(sql); }

bool tracked(const TrackedTable& table, const Found& found) {
    return found.triggers == static_cast<int>(events.size()) &&
           found.fingerprint == fingerprint_of(tracking_sql(table, found.qualified));
}

/// With the comment by which it is known again.
std::string whole_sql(const TrackedTable& table, const std::string& qualified) {
    const auto sql = tracking_sql(table, qualified);
    return sql + "comment on function " + function_name(table) + "() is " + quoted_text(fingerprint_of(sql)) + ";\n";
}

void check(std::size_t index, const TrackedTable& table, const Found& found, std::vector<TableMistake>& mistakes) {
    if (found.qualified.empty()) {
        mistakes.push_back({index, "there is no table '" + table.name + "'"});
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
    const auto own = "array[" + quoted_text(table.own_tag()) + "]";
    std::string sql = "create or replace function " + function +
                      "() returns trigger language plpgsql security definer\n"
                      "    set search_path = pg_catalog, pg_temp set datestyle = 'ISO' set timezone = 'UTC' as $track$\n"
                      "declare\n"
                      "    tags text[];\n"
                      "begin\n"
                      "    if tg_op = 'INSERT' then\n" +
                      collect(table, "new_rows") + "    elsif tg_op = 'UPDATE' then\n" +
                      collect(table, "(select * from old_rows union all select * from new_rows)") +
                      "    elsif tg_op = 'DELETE' then\n" + collect(table, "old_rows") +
                      "    else\n"
                      "        tags := " +
                      own +
                      ";\n"
                      "    end if;\n"
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
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const auto found = look_at(url, tables[i]);
        check(i, tables[i], found, report.mistakes);
        if (found.qualified.empty()) continue;
        known.insert(found.qualified);
        if (!tracked(tables[i], found)) report.untracked.push_back(tables[i].name);
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

std::string missing_tracking_sql(const std::string& url, std::span<const TrackedTable> tables) {
    std::string sql;
    for (const auto& table : tables) {
        const auto found = look_at(url, table);
        if (!found.qualified.empty() && !tracked(table, found)) sql += whole_sql(table, found.qualified);
    }
    return sql;
}

void track(const std::string& url, std::span<const TrackedTable> tables, const std::function<void(std::string_view)>& log) {
    for (const auto& table : tables) {
        const auto found = look_at(url, table);
        if (found.qualified.empty() || tracked(table, found)) continue;
        run_statements(url, whole_sql(table, found.qualified));
        log("table " + table.name + ": changes by anyone invalidate its tags");
    }
}

void untrack_all(const std::string& url, const std::function<void(std::string_view)>& log) {
    const auto rows =
        run_single(url,
                   "select quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(t.tgname),"
                   " t.tgfoid::regprocedure::text from pg_trigger t join pg_class c on c.oid = t.tgrelid"
                   " join pg_namespace n on n.oid = c.relnamespace where t.tgname like 'sluice\\_track\\_%' order by 1, 2",
                   {});
    std::string sql;
    std::set<std::string> tables;
    std::set<std::string> functions;
    for (const auto& row : rows) {
        sql += "drop trigger " + row.at(1).value() + " on " + row.at(0).value() + ";\n";
        tables.insert(row.at(0).value());
        functions.insert(row.at(2).value());
    }
    for (const auto& function : functions) sql += "drop function " + function + ";\n";
    if (!sql.empty()) run_statements(url, sql);
    for (const auto& table : tables) log("table " + table + ": its changes are no longer told");
}

}  // namespace sluice::postgres
