#include "postgres/connection/parameter_types.hpp"

#include "postgres/connection/connection.hpp"
#include "postgres/connection/read_statement.hpp"
#include "postgres/connection/single_statement.hpp"
#include "sql/statement.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace sluice::postgres {
namespace {

// A row for each `$k` of each statement that is prepared. The numbers are those of built-in types, which never change.
const std::string types_query =
    "with recursive used as ("
    " select s.name, p.k, p.type::oid as type from pg_prepared_statements s"
    " cross join unnest(s.parameter_types) with ordinality p(type, k)),"
    " based(type, base) as (select distinct type, type from used union all"
    " select b.type, t.typbasetype from based b join pg_type t on t.oid = b.base where t.typtype = 'd')"
    " select u.name, u.k::text, t.oid::text, case when t.oid in (21, 23, 20, 1700) then 'number'"
    " when t.oid in (25, 1043) or t.typtype = 'e' then 'text' when t.oid = 1042 then 'padded'"
    " when t.oid = 2950 then 'uuid' when t.oid = 16 then 'boolean' else 'other' end"
    " from used u join based b using (type) join pg_type t on t.oid = b.base and t.typtype <> 'd'";

Spelling spelling_of(std::string_view word) noexcept {
    if (word == "number") return Spelling::number;
    if (word == "text") return Spelling::text;
    if (word == "padded") return Spelling::padded;
    if (word == "uuid") return Spelling::uuid;
    return word == "boolean" ? Spelling::boolean : Spelling::other;
}

struct Prepared {
    sql::Statement statement;
    sql::Statement::Hints hints;
};

std::optional<Prepared> prepare(Connection& connection, const std::string& name, const StatementSpec& spec,
                                TimePoint limit) {
    std::optional<sql::Statement> statement;
    try {
        statement.emplace(spec);
    } catch (const std::invalid_argument&) {
        return std::nullopt;
    }
    sql::Statement::Hints hints;
    for (;;) {
        const auto rendered = statement->plain(hints);
        try {
            connection.prepare(name, rendered.text, limit);
            return Prepared{std::move(*statement), std::move(hints)};
        } catch (const SqlError& error) {
            if (!learn_hint(error, rendered, *statement, hints)) return std::nullopt;
        }
    }
}

}  // namespace

std::vector<std::optional<ParameterTypes>> infer_types(const std::string& url, std::span<const StatementSpec> statements,
                                                       Watchdog& watchdog, TimePoint limit) {
    constexpr std::size_t at_once = 100;
    Connection connection{url, watchdog, limit};
    connection.execute("set default_transaction_read_only = on; set standard_conforming_strings = on", limit);
    std::vector<std::optional<ParameterTypes>> all(statements.size());
    for (std::size_t first = 0; first < statements.size(); first += at_once) {
        const auto end = std::min(first + at_once, statements.size());
        std::vector<std::optional<Prepared>> prepared(statements.size());
        for (auto i = first; i < end; ++i) {
            prepared[i] = prepare(connection, std::to_string(i), statements[i], limit);
            if (prepared[i]) all[i].emplace(statements[i].parameters.size());
        }
        for (const auto& row : connection.execute(types_query, limit)) {
            const auto i = number<std::size_t>(row.at(0));
            const auto k = number<std::size_t>(row.at(1));
            if (i < first || i >= end || !prepared[i] || k > prepared[i]->statement.argument_count(prepared[i]->hints))
                continue;
            auto& types = all[i]->at(prepared[i]->statement.parameter_of(k, prepared[i]->hints));
            const InferredType type{spelling_of(row.at(3).value_or("")), number<unsigned>(row.at(2))};
            if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
        }
        connection.execute("deallocate all", limit);
    }
    return all;
}

std::optional<std::string> read_tag_value(const std::string& url, const std::string& text, unsigned type) {
    try {
        const auto rows = run_single(url, "select sluice.tag_read($1, $2::oid)", {text, std::to_string(type)});
        return rows.at(0).at(0);
    } catch (const SqlError& error) {
        if (!error.sqlstate().starts_with("22")) throw;  // data exception: it is no such value
        return std::nullopt;
    }
}

StatementSpec tag_value_statement(std::string name) {
    StatementSpec spec;
    spec.name = std::move(name);
    spec.sql =
        "select sluice.tag_read(texts.value, types.value) as tag from unnest(:texts::text[]) with ordinality"
        " texts(value, place) join unnest(:types::oid[]) with ordinality types(value, place) using (place)"
        " order by place";
    spec.parameters = {"texts", "types"};
    spec.parameter_types = {ParameterType::array, ParameterType::array};
    spec.result = ResultShape::many;
    return spec;
}

}  // namespace sluice::postgres
