#include "postgres/workers/invalidation_rows.hpp"

#include "postgres/connection/read_statement.hpp"
#include "postgres/connection/statement_name.hpp"
#include "sql/statement.hpp"

namespace sluice::postgres {
namespace {

const std::string record_text =
    "insert into sluice.invalidation (kind, name) select 'tag', unnest($1::text[]) returning id, xid::text, name";
const std::string record_name = statement_name(record_text);

}  // namespace

std::string_view first_row_for_tags(ResultShape shape, const QueryResult& result, const Rows& rows) {
    const bool many = shape == ResultShape::many;
    const bool made = !rows.empty() && rows[0].size() > (many ? 2U : 1U);
    if (made && rows[0].back()) return *rows[0].back();
    if (many) return rows.at(0).at(1) ? std::string_view{*rows[0][1]} : std::string_view{};
    return shape == ResultShape::one ? std::string_view{result.json} : std::string_view{};
}

std::optional<Ended> InvalidationRows::prepare(TimePoint limit) {
    if (!bookkeeping_.there) return std::nullopt;
    try {
        connection_.prepare_once(record_name, record_text, limit);
    } catch (const SqlError& error) {
        if (judge(error.sqlstate()) != Verdict::no_bookkeeping) throw;
        bookkeeping_.is_gone(Clock::now());
    }
    return std::nullopt;
}

void InvalidationRows::after_statement(Written& written, const Rows& rows, TimePoint limit) {
    const auto tags = query_.invalidates(first_row_for_tags(shape_, written.result, rows));
    if (bookkeeping_.there && !tags.empty()) written.invalidations = record(tags, limit);
}

std::vector<policy::Invalidation> InvalidationRows::record(const std::vector<std::string>& tags, TimePoint limit) {
    Rows rows;
    try {
        rows = connection_.execute_prepared(record_name, {sql::array_literal(tags)}, limit);
    } catch (const SqlError& error) {
        // The schema went away under us. The transaction is lost, but run again it goes through without rows.
        if (judge(error.sqlstate()) != Verdict::no_bookkeeping) throw;
        bookkeeping_.is_gone(Clock::now());
        throw SqlError{error.what(), "40001"};
    }
    std::vector<policy::Invalidation> recorded;
    for (auto& row : rows) {
        recorded.push_back({number<std::int64_t>(row.at(0)), number<std::uint64_t>(row.at(1)),
                            policy::Invalidation::Kind::tag, row.at(2).value_or("")});
    }
    return recorded;
}

}  // namespace sluice::postgres
