// What a migration does to a table under statements that are prepared, and what they have to answer after it.
#pragma once

#include "sluice/ports/database.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::test {

/// Of one statement, which may name the parameters of PoolTest::spec.
struct CatalogChange {
    using Values = std::vector<std::optional<std::string>>;
    std::string name;    ///< of the test
    std::string before;  ///< makes what the statement needs; all of it is in the schema `changing`
    std::string sql;
    Values good_before;  ///< values that it takes before
    std::string migration;
    Values then;         ///< values that mean something else, or are good only now
    std::string answer;  ///< to them
    bool writes = false;
};

/// Reads, whose answers are one row or none.
inline std::vector<CatalogChange> changes_for_reads() {
    return {
        {"IntBecomesBigint",
         "create table item (id int, name text); insert into item values (1, 'a')",
         "select name from changing.item where id = :name",
         {{}, "1"},
         "alter table changing.item alter id type bigint; insert into changing.item values (5000000000, 'large')",
         {{}, "5000000000"},
         R"({"name":"large"})"},
        {"TimestampGetsAZone",
         "create table ev (id int, at timestamp); insert into ev values (8, '2026-01-01 08:00')",
         "select id from changing.ev where at >= :name",
         {{}, "2025-01-01T00:00:00+05:00"},
         "set timezone = 'UTC'; alter table changing.ev alter at type timestamptz using at at time zone 'UTC'",
         {{}, "2026-01-01T12:00:00+05:00"},
         R"({"id":8})"},
        {"VarcharBecomesADomainWithoutCase",
         "create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
         " create table person (id int, name varchar(20)); insert into person values (1, 'Ann')",
         "select id from changing.person where name = :name",
         {{}, "Ann"},
         "create domain changing.anycase as text collate changing.nocase;"
         " alter table changing.person alter name type changing.anycase",
         {{}, "ANN"},
         R"({"id":1})"},
        {"AnEnumIsMadeAnew",
         "create type st as enum ('old'); create table job (id int, st st); insert into job values (1, 'old')",
         "select id from changing.job where st = :name",
         {{}, "old"},
         "alter type changing.st rename to st_old; create type changing.st as enum ('old', 'new');"
         " alter table changing.job alter st type changing.st using st::text::changing.st; drop type changing.st_old;"
         " update changing.job set st = 'new'",
         {{}, "new"},
         R"({"id":1})"},
        {"AnEnumThatOnlyTheTextNames",
         "create type mood as enum ('sad')",
         "select :name::changing.mood as mood",
         {{}, "sad"},
         "drop type changing.mood; create type changing.mood as enum ('sad', 'glad')",
         {{}, "glad"},
         R"({"mood":"glad"})"},
        {"ADomainIsMadeAnew",
         "create domain short as varchar(2)",
         "select :name::changing.short as s",
         {{}, "ab"},
         "drop domain changing.short; create domain changing.short as varchar(8)",
         {{}, "abcdefgh"},
         R"({"s":"abcdefgh"})"},
        {"ATableIsSwapped",
         "create table price (id int, amount int); insert into price values (1, 10);"
         " create table price_new (id int, amount numeric(8, 2)); insert into price_new values (2, 10.50)",
         "select id from changing.price where amount = :name",
         {{}, "10"},
         "alter table changing.price rename to price_old; alter table changing.price_new rename to price",
         {{}, "10.50"},
         R"({"id":2})"},
        {"ColumnsAreSwapped",
         "create table swap (id int, big bigint); insert into swap values (1, 6000000000)",
         "select 'here' as row from changing.swap where id = :name",
         {{}, "1"},
         "alter table changing.swap rename id to small; alter table changing.swap rename big to id",
         {{}, "6000000000"},
         R"({"row":"here"})"},
        {"SchemasAreSwapped",
         "create table t (id int)",
         "select id from changing.t where id = :name",
         {{}, "1"},
         "create schema changing_new; create table changing_new.t (id bigint); insert into changing_new.t values "
         "(7000000000);"
         " alter schema changing rename to changing_old; alter schema changing_new rename to changing;"
         " drop schema changing_old cascade",
         {{}, "7000000000"},
         R"({"id":7000000000})"},
        {"AViewIsMadeAnew",
         "create table base (id int, big bigint); insert into base values (1, 8000000000);"
         " create view v as select id from base",
         "select id from changing.v where id = :name",
         {{}, "1"},
         "drop view changing.v; create view changing.v as select big as id from changing.base",
         {{}, "8000000000"},
         R"({"id":8000000000})"},
        {"AFunctionTakesAnotherType",
         "create function twice(x int) returns int language sql immutable as 'select 2 * x'",
         "select changing.twice(:name) as x",
         {{}, "2"},
         "drop function changing.twice(int); create function changing.twice(x numeric) returns numeric language sql "
         "immutable"
         " as 'select 2 * x'",
         {{}, "1.25"},
         R"({"x":2.50})"},
        {"TheRowThatAFunctionReturns",
         "create table made (id int); insert into made values (1);"
         " create function makers() returns setof changing.made language plpgsql as"
         " $$ begin return query select * from changing.made; end $$",
         "select id from changing.makers() where id = :name",
         {{}, "1"},
         "alter table changing.made alter id type bigint; insert into changing.made values (9000000000)",
         {{}, "9000000000"},
         R"({"id":9000000000})"},
        {"AnAttributeOfACompositeInAnArray",
         "create type spot as (x int, y int); create table place (id int, spots spot[]);"
         " insert into place values (1, array[row(1, 2)::spot])",
         "select id from changing.place where (spots[1]).x = :name",
         {{}, "1"},
         "alter table changing.place add spare changing.spot[]; create type changing.wide as (x bigint, y int);"
         " alter table changing.place drop column spots; alter table changing.place add spots changing.wide[];"
         " update changing.place set spots = array[row(4000000000, 2)::changing.wide]",
         {{}, "4000000000"},
         R"({"id":1})"},
    };
}

/// Writes that return a row.
inline std::vector<CatalogChange> changes_for_writes() {
    return {
        {"IntBecomesBigint",
         "create table item (id int primary key)",
         "insert into changing.item values (:name) on conflict (id) do update set id = excluded.id returning id",
         {{}, "1"},
         "alter table changing.item alter id type bigint",
         {{}, "6000000000"},
         R"({"id":6000000000})",
         true},
        {"TimestampGetsAZone",
         "create table ev (id int, at timestamp)",
         "insert into changing.ev values (1, :name) returning (at at time zone 'UTC')::text as at",
         {{}, "2030-01-01T00:00:00"},
         "set timezone = 'UTC'; alter table changing.ev alter at type timestamptz using at at time zone 'UTC'",
         {{}, "2030-01-01T00:00:00+05:00"},
         R"({"at":"2029-12-31 19:00:00"})",
         true},
        {"AnEnumIsMadeAnew",
         "create type st as enum ('old'); create table job (id int, st st); insert into job values (1, 'old')",
         "update changing.job set st = :name where id = 1 returning st",
         {{}, "old"},
         "alter type changing.st rename to st_old; create type changing.st as enum ('old', 'new');"
         " alter table changing.job alter st type changing.st using st::text::changing.st; drop type changing.st_old",
         {{}, "new"},
         R"({"st":"new"})",
         true},
        {"ATableIsSwapped",
         "create table price (amount int); create table price_new (amount numeric(8, 2))",
         "insert into changing.price values (:name) returning amount",
         {{}, "10"},
         "alter table changing.price rename to price_old; alter table changing.price_new rename to price",
         {{}, "10.50"},
         R"({"amount":10.50})",
         true},
        {"VarcharBecomesText",
         "create table note (body varchar(3))",
         "insert into changing.note values (:name) returning body",
         {{}, "abc"},
         "alter table changing.note alter body type text",
         {{}, "abcdef"},
         R"({"body":"abcdef"})",
         true},
        {"AFunctionTakesAnotherType",
         "create function twice(x int) returns int language sql immutable as 'select 2 * x'; create table out (x numeric)",
         "insert into changing.out values (changing.twice(:name)) returning x",
         {{}, "2"},
         "drop function changing.twice(int); create function changing.twice(x numeric) returns numeric language sql "
         "immutable"
         " as 'select 2 * x'",
         {{}, "1.25"},
         R"({"x":2.50})",
         true},
    };
}

}  // namespace sluice::test
