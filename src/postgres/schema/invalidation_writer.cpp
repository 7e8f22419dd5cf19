#include "postgres/schema/invalidation_writer.hpp"

#include "postgres/connection/single_statement.hpp"
#include "telemetry/log.hpp"

#include <charconv>

namespace sluice::postgres {
namespace {

constexpr Duration patience = std::chrono::seconds{10};

std::string_view word(policy::Invalidation::Kind kind) noexcept {
    switch (kind) {
        case policy::Invalidation::Kind::tag:
            return "tag";
        case policy::Invalidation::Kind::glob:
            return "glob";
        case policy::Invalidation::Kind::all:
            break;
    }
    return "all";
}

policy::Invalidation insert(const std::string& url, const std::string& sql, policy::Invalidation::Kind kind,
                            std::string_view name) {
    const auto rows = run_single(url, sql, {std::string{word(kind)}, std::string{name}}, patience);
    policy::Invalidation recorded{0, 0, kind, std::string{name}};
    const auto& id = rows.at(0).at(0).value();
    const auto& xid = rows.at(0).at(1).value();
    std::from_chars(id.data(), id.data() + id.size(), recorded.id);
    std::from_chars(xid.data(), xid.data() + xid.size(), recorded.xid);
    return recorded;
}

}  // namespace

policy::Invalidation record_invalidation(const std::string& url, policy::Invalidation::Kind kind, std::string_view name) {
    return insert(url, "insert into sluice.invalidation (kind, name) values ($1, $2) returning id, xid::text", kind, name);
}

policy::Invalidation record_purge(const std::string& url, policy::Invalidation::Kind kind, std::string_view name) {
    constexpr std::string_view undefined_column = "42703";
    policy::Invalidation recorded;
    try {
        recorded =
            insert(url, "insert into sluice.invalidation (kind, name, purge) values ($1, $2, true) returning id, xid::text",
                   kind, name);
    } catch (const SqlError& error) {
        if (error.sqlstate() != undefined_column) throw;
        log::warning("purge_recorded_as_invalidation",
                     {{"reason",
                       "the schema sluice is an old one: an instance that hears of the purge from the database "
                       "alone may serve a stale copy while the database is away; run `sluice migrate`"}});
        recorded = record_invalidation(url, kind, name);
    }
    recorded.purge = true;
    return recorded;
}

}  // namespace sluice::postgres
