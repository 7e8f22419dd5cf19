#include "postgres/connection/catalog_watch.hpp"

#include "postgres/connection/statement_name.hpp"
#include "sql/statement.hpp"

#include <algorithm>

namespace sluice::postgres {
namespace {

// The kinds of objects that a survey finds.
constexpr std::string_view relation = "r";
constexpr std::string_view type = "t";
constexpr std::string_view function = "f";

struct Asked {
    std::string text;
    std::string name = statement_name(text);
};

// From 16384 on an object is not PostgreSQL's own, and may change. A type stands on what it is an array or a domain of, or
// on its columns; each is looked up by its oid: `offset 0` keeps the planner, which expects thousands, from reading the
// whole of pg_type. Other sessions' temporary tables mean nothing to us.
const Asked survey_asked{
    "with recursive space as materialized (select oid from pg_namespace"
    "  where nspname = any(current_schemas(false)) or nspname = any($1::name[])),"
    " relation as materialized (select oid from pg_class where relname = any($1::name[])"
    "  and relnamespace in (select oid from space) and relpersistence <> 't'),"
    " function as materialized (select oid, prorettype from pg_proc where proname = any($1::name[])"
    "  and pronamespace in (select oid from space)),"
    " type(oid) as ("
    "  select oid from (select oid from pg_type where typname = any($1::name[]) and typnamespace in (select oid from space)"
    "   union all select prorettype from function"
    "   union all select a.atttypid from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0) named"
    "  where oid >= 16384"
    "  union select part.oid from type cross join lateral (select * from pg_type where oid = type.oid offset 0) t, lateral ("
    "   select t.typelem union all select t.typbasetype union all"
    "   select a.atttypid from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0) part(oid)"
    "  where part.oid >= 16384)"
    " select 's', oid::text from space union all select 'r', oid::text from relation"
    " union all select 'f', oid::text from function"
    " union all select case when t.typrelid = 0 then 't' else 'r' end,"
    "  (case when t.typrelid = 0 then t.oid else t.typrelid end)::text"
    "  from type cross join lateral (select * from pg_type where oid = type.oid offset 0) t"
    " union all select 'o', oid::text from pg_operator where oid >= 16384"
    " union all select 'c', oid::text from pg_cast where oid >= 16384"};

// A row of the catalog that is changed gets the xmin of a later transaction, so the sum grows. There is no cast from xid to
// a number but by way of text; the difference of two ages is one. A relation's row also changes with every `truncate`, so of
// that only the name counts.
const Asked fingerprint_asked{
    "select concat_ws(' ',"
    " (select concat_ws(' ', count(*), sum(hashint8(((hashname(relname) # hashoid(relnamespace))::bigint << 32) # "
    "oid::bigint)))"
    "  from pg_class where oid = any($1::oid[])),"
    " (select concat_ws(' ', count(*), sum(age('3'::xid) - age(xmin)))"
    "  from pg_attribute where attrelid = any($1::oid[]) and attnum > 0),"
    " (select concat_ws(' ', count(*), sum(age('3'::xid) - age(xmin))) from pg_type where oid = any($2::oid[])),"
    " (select concat_ws(' ', count(*), sum(age('3'::xid) - age(xmin))) from pg_proc where oid = any($3::oid[])))"};

Rows run(Connection& connection, const Asked& asked, const Row& values, TimePoint limit) {
    connection.prepare_once(asked.name, asked.text, limit);
    return connection.execute_prepared(asked.name, values, limit);
}

}  // namespace

void CatalogWatch::watch(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    auto array = names.empty() ? std::string{} : sql::array_literal(names);
    if (array == names_) return;
    names_ = std::move(array);
    const std::lock_guard lock{mutex_};
    next_survey_ = {};
}

void CatalogWatch::start_over() {
    const std::lock_guard lock{mutex_};
    surveyed_ = false;
    fingerprint_.reset();
}

void CatalogWatch::look(Connection& connection, TimePoint now, TimePoint limit) {
    if (names_.empty()) return;
    bool due = false;
    {
        const std::lock_guard lock{mutex_};
        due = !surveyed_ || now >= next_survey_;
        if (due) next_survey_ = now + survey_every;
    }
    if (due) survey(connection, limit);
    const auto asked = question();
    answered(asked, run(connection, fingerprint_asked, asked.values, limit));
}

void CatalogWatch::survey(Connection& connection, TimePoint limit) {
    Objects found;
    for (auto& row : run(connection, survey_asked, {names_}, limit))
        found.emplace_back(row.at(0).value_or(""), row.at(1).value_or(""));
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    const std::lock_guard lock{mutex_};
    if (std::exchange(surveyed_, true) && found == found_) return;
    found_ = std::move(found);
    fingerprint_.reset();
    ++survey_;
    ++generation_;
}

std::string CatalogWatch::array_of(std::string_view kind) const {
    std::vector<std::string> oids;
    for (const auto& [of, oid] : found_) {
        if (of == kind) oids.push_back(oid);
    }
    return sql::array_literal(oids);
}

CatalogWatch::Question CatalogWatch::question() const {
    const std::lock_guard lock{mutex_};
    if (!surveyed_) return {};
    return {survey_, fingerprint_asked.text, {array_of(relation), array_of(type), array_of(function)}};
}

// After another survey the generation has grown anyhow.
void CatalogWatch::answered(const Question& question, const Rows& rows) {
    const auto& seen = rows.at(0).at(0);
    const std::lock_guard lock{mutex_};
    if (question.survey != survey_ || !surveyed_ || seen == fingerprint_) return;
    fingerprint_ = seen;
    next_survey_ = {};  // another object may stand there now
    ++generation_;
}

}  // namespace sluice::postgres
