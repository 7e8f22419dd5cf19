#include "postgres/pipeline/collapsed_statement.hpp"

#include <utility>

namespace sluice::postgres {

// What has no array has 0; of composite values `unnest` makes columns.
std::string array_types_query(std::string_view prepared_name) {
    return "select case when t.typcategory not in ('A', 'C') and t.typdelim = ',' then nullif(t.typarray, 0)::text end"
           " from pg_prepared_statements s cross join unnest(s.parameter_types) with ordinality p(type, number)"
           " join pg_type t on t.oid = p.type where s.name = '" +
           std::string{prepared_name} + "' order by p.number";
}

std::optional<ArrayTypes> array_types(const sql::Statement& statement, const sql::Statement::Hints& hints,
                                      const Rows& rows) {
    const auto count = statement.argument_count(hints);
    if (count == 0 || rows.size() < count) return std::nullopt;
    ArrayTypes types;
    types.reserve(count);
    for (std::size_t k = 0; k < count; ++k) {
        if (!rows[k].at(0)) return std::nullopt;
        types.push_back(number<unsigned>(rows[k][0]));
    }
    return types;
}

Row collapsed_arguments(const sql::Statement& statement, const sql::Statement::Hints& hints, Calls calls) {
    const auto count = statement.argument_count(hints);
    Row arrays;
    arrays.reserve(count);
    Row of_all;
    of_all.reserve(calls.size());
    for (std::size_t k = 1; k <= count; ++k) {
        of_all.clear();
        for (const auto& call : calls) of_all.push_back(call->values[statement.parameter_of(k, hints)]);
        arrays.emplace_back(sql::array_literal_with_nulls(of_all));
    }
    return arrays;
}

std::optional<std::vector<QueryResult>> take_collapsed(const StatementSpec& spec, Rows& rows, std::size_t calls,
                                                       const LabelSource& labels) {
    constexpr std::size_t json = 1;
    if (rows.size() != calls) return std::nullopt;
    std::vector<QueryResult> results(calls);
    std::vector<bool> there(calls);
    for (auto& row : rows) {
        const auto call = number<std::size_t>(row.at(0)) - 1;  // of 0 or none: more than any
        if (call >= calls || there[call]) return std::nullopt;
        there[call] = true;
        auto& result = results[call];
        if (row.at(json) && spec.result != ResultShape::none) {
            result.json = std::move(*row[json]);
            result.found = true;
        }
        if (spec.labelled) result.label = labels.label(row.at(json + 1));
    }
    return results;
}

}  // namespace sluice::postgres
