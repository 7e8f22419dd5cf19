#include "postgres/statement_check.hpp"

#include "postgres/collapsed_statement.hpp"
#include "postgres/connection.hpp"
#include "postgres/parameter_fit.hpp"
#include "postgres/select_list.hpp"
#include "postgres/sql_scanner.hpp"
#include "postgres/statement.hpp"
#include "postgres/statement_name.hpp"
#include "postgres/with_list.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string_view>

namespace sluice::postgres {
namespace {

constexpr Duration patience = std::chrono::seconds{30};

using Answer = ResultPointer;

std::string field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text != nullptr ? text : "";
}

bool ok(const Answer& answer) {
    const auto status = PQresultStatus(answer.get());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

// Those of these names, in whatever schema.
const std::string volatile_functions =
    "select proname::text from pg_proc where provolatile = 'v' and proname = any($1::text[]) order by proname limit 1";

// PostgreSQL counts characters, from 1; we count bytes, from 0.
std::optional<std::size_t> error_byte(const PGresult* result, std::string_view text) {
    const auto position = field(result, PG_DIAG_STATEMENT_POSITION);
    std::size_t characters = 0;
    std::from_chars(position.data(), position.data() + position.size(), characters);
    if (characters == 0) return std::nullopt;
    std::size_t at = 0;
    while (at < text.size() && --characters > 0) {
        ++at;
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    }
    return at;
}

// The sort column whose name stands at this byte of what is wrapped around the user's SQL.
std::optional<std::size_t> sort_column_at(const StatementSpec& spec, const Rendered& rendered, std::size_t byte) {
    if (rendered.from_source(byte)) return std::nullopt;
    for (std::size_t i = 0; i < spec.page_by.size(); ++i) {
        if (std::string_view{rendered.text}.substr(byte).starts_with(quoted_identifier(spec.page_by[i].name))) return i;
    }
    return std::nullopt;
}

// Of a statement that answers no rows which could become JSON, whatever is around it. Empty: it is none.
std::string why_no_rows(const std::string& keyword, int server_version) {
    constexpr int merge_returns = 170000;
    if (keyword == "call") {
        return "a `call` answers no rows: set `result: none`, or let the work be a function and `select` from it";
    }
    if (keyword == "merge" && server_version < merge_returns) {
        return "a `merge` answers no rows before PostgreSQL 17: set `result: none`, or let a function do it and `select` "
               "from that";
    }
    return {};
}

std::string explain(const StatementSpec& spec, const PGresult* result, int server_version) {
    auto message = field(result, PG_DIAG_MESSAGE_PRIMARY);
    const auto mentions = [&](std::string_view what) { return message.find(what) != std::string::npos; };
    if (mentions("does not have a RETURNING clause")) {
        return "the statement returns no rows: add `returning …` or set `result: none`";
    }
    const auto keyword = main_keyword(spec.sql);
    const bool modifies = keyword == "insert" || keyword == "update" || keyword == "delete" || keyword == "merge" ||
                          keyword == "call" || mentions("WITH clause containing a data-modifying statement");
    if (spec.read_only && modifies) return "a GET must only read, and this statement modifies data";
    if (!spec.read_only && spec.result != ResultShape::none) {
        if (auto why = why_no_rows(keyword, server_version); !why.empty()) return why;
    }
    if (mentions("MERGE not supported in WITH"))
        return "PostgreSQL 15 and 16 take no `merge` within `with`: let a function do it";
    for (const int code : {int{PG_DIAG_MESSAGE_DETAIL}, int{PG_DIAG_MESSAGE_HINT}}) {
        if (const auto more = field(result, code); !more.empty()) message += " (" + more + ")";
    }
    return message;
}

class Check {
public:
    Check(const std::string& url, std::span<const StatementSpec> specs)
        : specs_{specs}, limit_{Clock::now() + patience}, connection_{url, watchdog_, limit_} {
        // With a generic plan no condition is folded away, nor what stands behind it. Behind a pooler all of it is one
        // transaction.
        const std::string set = connection_.pooled() ? "set local " : "set ";
        connection_.execute((connection_.pooled() ? "begin read only; " : "set default_transaction_read_only = on; ") + set +
                                "statement_timeout = '10s'; " + set + "standard_conforming_strings = on; " + set +
                                "plan_cache_mode = force_generic_plan",
                            limit_);
    }

    std::vector<StatementProblem> run() {
        for (std::size_t i = 0; i < specs_.size(); ++i) check(i);
        compare_types();
        if (connection_.pooled()) connection_.execute(forget_all() + "rollback", limit_);
        std::stable_sort(problems_.begin(), problems_.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
        return std::move(problems_);
    }

private:
    struct Expected {
        std::size_t statement;
        std::size_t parameter;  // index in the specification
        std::size_t offset;     // of its colon
        Oid type;
    };

    void check(std::size_t index) {
        const auto& spec = specs_[index];
        std::optional<Statement> statement;
        try {
            statement.emplace(spec);
        } catch (const std::invalid_argument& error) {
            const auto scanned = scan_sql(spec.sql);
            problems_.push_back({index, scanned ? error.what() : scanned.error().message,
                                 scanned ? std::nullopt : std::optional{scanned.error().offset}});
            return;
        }
        Statement::Hints hints;
        for (const auto step : page_steps(spec.page_by)) {
            if (!prepare(index, *statement, step, hints)) return;
            if (step == PageStep::first) {
                read_types(index, *statement);
                if (spec.read_only) look_at_plan(index, *statement);
            }
            if (spec.collapse && step == PageStep::first) check_collapsed(index, *statement);
            if (spec.versioned) check_version(index, *statement, hints);
        }
        look_at_columns(index, *statement, hints);
    }

    void check_version(std::size_t index, const Statement& statement, const Statement::Hints& hints) {
        const auto rendered = statement.version_of_row(hints);
        if (ok(prepare_anew(rendered.text))) return;
        problems_.push_back({index, "'etag: version' needs one column of the result to be called 'version'", std::nullopt});
    }

    // By the text that was prepared last.
    void check_collapsed(std::size_t index, const Statement& statement) {
        const auto refuse = [&](const std::string& why, std::optional<std::size_t> offset = {}) {
            problems_.push_back({index, "'collapse' " + why, offset});
        };
        if (!statement.can_be_pipelined()) return refuse("does not work with set_config or advisory locks");
        const auto types = array_types(statement, connection_.execute(array_types_query(name_), limit_));
        if (!types) return refuse("needs parameters of single values, not arrays, rows or boxes");
        const auto functions =
            connection_.execute(volatile_functions, {array_literal(called_names(statement.spec().sql))}, limit_);
        if (!functions.empty()) {
            return refuse("needs functions that are stable or immutable, and " + functions[0].at(0).value_or("") +
                          " is volatile: one result might serve several calls");
        }
        const auto rendered = statement.collapsed();
        const auto answer = prepare_anew(rendered.text, *types);
        if (ok(answer)) return;
        const auto byte = error_byte(answer.get(), rendered.text);
        refuse(
            "does not fit the statement: " + explain(statement.spec(), answer.get(), PQserverVersion(connection_.native())),
            byte ? std::optional{rendered.source_offset(*byte)} : std::nullopt);
    }

    // Hints are found one by one: PostgreSQL names the first parameter that it knows no type for.
    bool prepare(std::size_t index, const Statement& statement, PageStep step, Statement::Hints& hints) {
        for (;;) {
            const auto rendered = statement.rendered(hints, step);
            const auto answer = prepare_anew(rendered.text);
            if (ok(answer)) return true;
            const auto state = field(answer.get(), PG_DIAG_SQLSTATE);
            if (state == "42P18" || state == "42P08") {
                const auto k = parameter_in_message(field(answer.get(), PG_DIAG_MESSAGE_PRIMARY));
                if (k && *k <= statement.argument_count() && hints.insert(*k).second) continue;
            }
            const auto byte = error_byte(answer.get(), rendered.text);
            problems_.push_back({index, explain(statement.spec(), answer.get(), PQserverVersion(connection_.native())),
                                 byte ? std::optional{rendered.source_offset(*byte)} : std::nullopt,
                                 byte ? sort_column_at(statement.spec(), rendered, *byte) : std::nullopt});
            return false;
        }
    }

    void read_types(std::size_t index, const Statement& statement) {
        const auto answer = ask([this](PGconn* c) { return PQdescribePrepared(c, name_.c_str()); });
        if (!ok(answer)) return;
        for (std::size_t k = 1; k <= statement.argument_count(); ++k) {
            expected_.push_back({index, statement.parameter_of(k), statement.source_of(k),
                                 PQparamtype(answer.get(), static_cast<int>(k - 1))});
        }
    }

    void look_at_columns(std::size_t index, const Statement& statement, const Statement::Hints& hints) {
        const auto& spec = statement.spec();
        if (spec.result == ResultShape::none) return;
        if (!ok(prepare_anew(statement.bare(hints).text))) return;
        const auto answer = ask([this](PGconn* c) { return PQdescribePrepared(c, name_.c_str()); });
        if (!ok(answer)) return;
        std::vector<std::string> names;
        for (int column = 0; column < PQnfields(answer.get()); ++column) names.emplace_back(PQfname(answer.get(), column));
        for (std::size_t i = 0; i < spec.needed_columns.size(); ++i) {
            const auto& needed = spec.needed_columns[i];
            if (std::find(names.begin(), names.end(), needed) != names.end()) continue;
            problems_.push_back({index, "the answer has no column '" + needed + "'", std::nullopt, std::nullopt, i});
        }
        for (auto& mistake : column_mistakes(spec.sql, names))
            problems_.push_back({index, std::move(mistake.message), mistake.offset});
    }

    // Modifying statements do not get here. Nulls stand for the values, which a generic plan does not look at.
    void look_at_plan(std::size_t index, const Statement& statement) {
        std::string sql = "explain (format json) execute " + name_;
        const auto count = statement.argument_count() + statement.page_argument_count(PageStep::first);
        for (std::size_t k = 1; k <= count; ++k) sql += k == 1 ? "(null" : ", null";
        if (count > 0) sql += ')';
        const auto answer = ask([&](PGconn* c) { return PQexec(c, sql.c_str()); });
        if (ok(answer) && PQntuples(answer.get()) > 0 &&
            std::strstr(PQgetvalue(answer.get(), 0, 0), "\"Node Type\": \"LockRows\"") != nullptr) {
            problems_.push_back({index, "a GET must only read, and this statement locks rows (for update, for share)", {}});
        }
    }

    // Each has a name of its own, and many are forgotten at once: hundreds of routes are checked before the first request.
    Answer prepare_anew(const std::string& text, const ArrayTypes& types = {}) {
        constexpr unsigned kept = 100;
        if (++names_ % kept == 0 && !connection_.pooled()) connection_.execute("deallocate all", limit_);
        name_ = statement_name(text, types, "check " + std::to_string(names_));
        auto answer = ask([&](PGconn* c) {
            return PQprepare(c, name_.c_str(), text.c_str(), static_cast<int>(types.size()), types.data());
        });
        if (connection_.pooled() && ok(answer)) made_.push_back(name_);
        return answer;
    }

    // Of a server connection that others get next, and may have texts of their own on.
    std::string forget_all() const {
        std::string sql;
        for (const auto& name : made_) sql += "deallocate " + name + "; ";
        return sql;
    }

    // The types' names in one question for all.
    void compare_types() {
        std::set<Oid> oids;
        for (const auto& expected : expected_) oids.insert(expected.type);
        std::vector<std::string> texts;
        texts.reserve(oids.size());
        for (const auto oid : oids) texts.push_back(std::to_string(oid));
        std::map<std::string, SqlType> types;
        const auto rows = connection_.execute(
            "select t.oid::text, format_type(t.oid, null), t.typcategory::text, coalesce(e.typcategory, t.typcategory) = 'C'"
            " from pg_type t left join pg_type e on e.oid = t.typelem and t.typcategory = 'A' where t.oid = any($1::oid[])",
            {array_literal(texts)}, limit_);
        for (const auto& row : rows) {
            types[row.at(0).value()] = {row.at(1).value(), row.at(2).value().at(0), row.at(3) == "t"};
        }

        for (const auto& expected : expected_) {
            const auto& spec = specs_[expected.statement];
            const auto& type = types[std::to_string(expected.type)];
            if (type.composite) {
                problems_.push_back({expected.statement,
                                     "parameter '" + spec.parameters[expected.parameter] +
                                         "' would have to be a row: PostgreSQL expects " + type.name +
                                         "; give its fields one by one, or as JSON to jsonb_populate_record",
                                     expected.offset});
                continue;
            }
            if (expected.parameter >= spec.parameter_types.size()) continue;
            const auto declared = spec.parameter_types[expected.parameter];
            if (fits(declared, type)) continue;
            const bool arrives_as_json = !spec.read_only && declared == ParameterType::string && type.category == 'A';
            problems_.push_back({expected.statement,
                                 "parameter '" + spec.parameters[expected.parameter] + "' is declared " +
                                     std::string{declared_name(declared)} + " but PostgreSQL expects " + type.name +
                                     (arrives_as_json ? "; an array of the body is one where it is cast, `:" +
                                                            spec.parameters[expected.parameter] + "::" + type.name + "`"
                                                      : ""),
                                 expected.offset});
        }
    }

    template <class Call>
    Answer ask(Call call) {
        if (connection_.pooled()) connection_.execute("savepoint asked", limit_);
        Answer answer{connection_.watched(limit_, call)};
        if (connection_.pooled()) connection_.execute(ok(answer) ? "release asked" : "rollback to asked", limit_);
        if (PQstatus(connection_.native()) != CONNECTION_OK || !answer) throw ConnectionLost{"the connection was lost"};
        return answer;
    }

    std::span<const StatementSpec> specs_;
    Watchdog watchdog_;
    const TimePoint limit_;
    Connection connection_;
    std::string name_;               // of what was prepared last
    std::vector<std::string> made_;  // behind a pooler: what is to be forgotten
    unsigned names_ = 0;
    std::vector<Expected> expected_;
    std::vector<StatementProblem> problems_;
};

}  // namespace

std::vector<StatementProblem> check_statements(const std::string& url, std::span<const StatementSpec> statements) {
    // Most of the time is the server's, so two halves take little more than one.
    constexpr std::size_t worth_two = 32;
    try {
        if (statements.size() < worth_two) return Check{url, statements}.run();
        const auto half = statements.size() / 2;
        auto others = std::async(std::launch::async, [&] { return Check{url, statements.subspan(half)}.run(); });
        auto problems = Check{url, statements.first(half)}.run();
        auto more = others.get();
        problems.reserve(problems.size() + more.size());
        for (auto& problem : more) {
            problem.index += half;
            problems.push_back(std::move(problem));
        }
        return problems;
    } catch (const SqlError& error) {
        // Not about a statement: the server shuts down, or does not let us ask.
        throw ConnectionLost{error.what()};
    }
}

}  // namespace sluice::postgres
