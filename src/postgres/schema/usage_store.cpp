#include "postgres/schema/usage_store.hpp"

#include "postgres/connection/single_statement.hpp"
#include "sql/statement.hpp"

#include <nlohmann/json.hpp>

namespace sluice::postgres {
namespace {

// Days cross as numbers since the epoch: no date format is involved.
std::string number_of(std::chrono::sys_days day) { return std::to_string(day.time_since_epoch().count()); }

}  // namespace

bool add_usage(const std::string& url, const std::string& batch, std::span<const policy::KeyUsage> usage) {
    std::vector<std::string> keys, days, requests, errors, bytes, rejections;
    for (const auto& [key, day, sum] : usage) {
        keys.push_back(key);
        days.push_back(number_of(day));
        requests.push_back(std::to_string(sum.requests));
        errors.push_back(std::to_string(sum.errors));
        bytes.push_back(std::to_string(sum.bytes));
        rejections.push_back(std::to_string(sum.rejections));
    }
    // Rows are locked in one order, so that batches added at once do not wait for each other in a circle.
    const auto rows =
        run_single(url,
                   "with old as (delete from sluice.usage_batch where applied_at < now() - interval '7 days'),"
                   " this as (insert into sluice.usage_batch (id) values ($1) on conflict do nothing returning id),"
                   " added as (insert into sluice.usage as u (key_id, day, requests, errors, bytes, rejections)"
                   "  select key_id, date 'epoch' + day::int, requests, errors, bytes, rejections"
                   "  from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])"
                   "   as sums (key_id, day, requests, errors, bytes, rejections)"
                   "  where exists (select from this) order by key_id, day"
                   "  on conflict (key_id, day) do update set requests = u.requests + excluded.requests,"
                   "   errors = u.errors + excluded.errors, bytes = u.bytes + excluded.bytes,"
                   "   rejections = u.rejections + excluded.rejections)"
                   " select exists (select from this)",
                   {batch, sql::array_literal(keys), sql::array_literal(days), sql::array_literal(requests),
                    sql::array_literal(errors), sql::array_literal(bytes), sql::array_literal(rejections)},
                   std::chrono::seconds{5});
    return rows.at(0).at(0) == "t";
}

StoredUsage read_usage(const std::string& url, std::string_view key, std::chrono::sys_days since,
                       std::span<const std::string> batches) {
    const auto rows = run_single(
        url,
        "select (select json_agg(json_build_array(day - date 'epoch', requests, errors, bytes, rejections)"
        " order by day desc) from sluice.usage where key_id = $1 and day >= date 'epoch' + $2::bigint::int)::text,"
        " (select json_agg(id) from sluice.usage_batch where id = any ($3::text[]))::text",
        {std::string{key}, number_of(since), sql::array_literal(batches)});
    StoredUsage stored;
    if (const auto& days = rows.at(0).at(0)) {
        for (const auto& row : nlohmann::json::parse(*days)) {
            const auto number = [&row](std::size_t i) { return row.at(i).get<std::uint64_t>(); };
            stored.days.push_back({std::string{key},
                                   std::chrono::sys_days{std::chrono::days{row.at(0).get<int>()}},
                                   {number(1), number(2), number(3), number(4)}});
        }
    }
    if (const auto& ids = rows.at(0).at(1)) stored.batches = nlohmann::json::parse(*ids).get<std::set<std::string>>();
    return stored;
}

}  // namespace sluice::postgres
