#include "postgres/pool/statement_check.hpp"

#include "postgres/connection/connection.hpp"
#include "postgres/connection/read_statement.hpp"
#include "postgres/connection/refusal_words.hpp"
#include "postgres/connection/statement_name.hpp"
#include "postgres/pipeline/collapsed_statement.hpp"
#include "sql/parameter_fit.hpp"
#include "sql/scanner.hpp"
#include "sql/select_list.hpp"
#include "sql/statement.hpp"
#include "sql/with_list.hpp"

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

ServerWords words_of(const PGresult* result) {
    return {field(result, PG_DIAG_SQLSTATE), field(result, PG_DIAG_MESSAGE_PRIMARY), field(result, PG_DIAG_MESSAGE_DETAIL),
            field(result, PG_DIAG_MESSAGE_HINT)};
}

std::size_t place_in(const PGresult* result) noexcept {
    const auto position = field(result, PG_DIAG_STATEMENT_POSITION);
    std::size_t characters = 0;
    std::from_chars(position.data(), position.data() + position.size(), characters);
    return characters;
}

// PostgreSQL counts characters, from 1; we count bytes, from 0.
std::optional<std::size_t> error_byte(const PGresult* result, std::string_view text) {
    const auto characters = place_in(result);
    return characters == 0 ? std::nullopt : std::optional{byte_at(text, characters)};
}

// The sort column that is named last before this byte of what is wrapped around the user's SQL, or at it.
std::optional<std::size_t> sort_column_at(const StatementSpec& spec, const sql::Rendered& rendered, std::size_t byte) {
    if (rendered.from_source(byte)) return std::nullopt;
    std::optional<std::size_t> column;
    std::size_t last = 0;
    for (std::size_t i = 0; i < spec.page_by.size(); ++i) {
        const auto at = rendered.text.rfind(sql::quoted_identifier(spec.page_by[i].name), byte);
        if (at == std::string::npos || (column && at < last)) continue;
        column = i;
        last = at;
    }
    return column;
}

/// The `for` that locks, as far as the statement says so itself.
std::optional<std::size_t> offset_of_lock(std::string_view sql) {
    const auto tokens = sql::sql_tokens(sql);
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        const auto& next = tokens[i + 1].text;
        if (tokens[i].text == "for" && (next == "update" || next == "share" || next == "no" || next == "key"))
            return tokens[i].offset;
    }
    return std::nullopt;
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
        std::optional<sql::Statement> statement;
        try {
            statement.emplace(spec);
        } catch (const std::invalid_argument& error) {
            const auto scanned = sql::scan_sql(spec.sql);
            problems_.push_back({index, scanned ? error.what() : scanned.error().message,
                                 scanned ? std::nullopt : std::optional{scanned.error().offset}});
            return;
        }
        if (!is_right_by_itself(index, *statement)) return;
        sql::Statement::Hints hints;
        for (const auto step : sql::page_steps(spec.page_by)) {
            if (!prepare(index, *statement, step, hints)) return;
            if (step == sql::PageStep::first) {
                read_types(index, *statement, hints);
                if (spec.read_only) look_at_plan(index, *statement, hints);
            }
            if (spec.collapse && step == sql::PageStep::first) check_collapsed(index, *statement, hints);
            if (spec.versioned) check_version(index, *statement, hints);
        }
    }

    void check_version(std::size_t index, const sql::Statement& statement, const sql::Statement::Hints& hints) {
        const auto rendered = statement.version_of_row(hints);
        if (ok(prepare_anew(rendered.text))) return;
        problems_.push_back({index, "'etag: version' needs one column of the result to be called 'version'", std::nullopt});
    }

    // By the text that was prepared last.
    void check_collapsed(std::size_t index, const sql::Statement& statement, const sql::Statement::Hints& hints) {
        const auto refuse = [&](const std::string& why, std::optional<std::size_t> offset = {}) {
            problems_.push_back({index, "'collapse' " + why, offset});
        };
        if (!statement.can_be_pipelined()) return refuse("does not work with set_config or advisory locks");
        const auto types = array_types(statement, hints, connection_.execute(array_types_query(name_), limit_));
        if (!types) return refuse("needs parameters of single values, not arrays, rows or boxes");
        const auto functions =
            connection_.execute(volatile_functions, {sql::array_literal(sql::called_names(statement.spec().sql))}, limit_);
        if (!functions.empty()) {
            const auto name = functions[0].at(0).value_or("");
            return refuse("needs functions that are stable or immutable, and " + name +
                              " is volatile: one result might serve several calls",
                          offset_of_word(statement.spec().sql, {name}));
        }
        const auto rendered = statement.collapsed(hints);
        const auto answer = prepare_anew(rendered.text, *types);
        if (ok(answer)) return;
        const auto byte = error_byte(answer.get(), rendered.text);
        refuse("does not fit the statement: " +
                   why_not_served(words_of(answer.get()), statement, hints, PQserverVersion(connection_.native())).message,
               byte ? std::optional{rendered.source_offset(*byte)} : std::nullopt);
    }

    struct Refused {
        Answer answer;
        sql::Rendered rendered;
        sql::Statement::Hints hints;
        std::string more;  // to say
    };

    // Hints are found one by one: PostgreSQL names the first parameter that it knows no type for. Of a text whose parameters
    // cannot be shared, why it should have been is told. Nothing: the text that the hints make is prepared.
    template <class Render>
    std::optional<Refused> refusal_of(const sql::Statement& statement, sql::Statement::Hints& hints, Render render) {
        std::optional<Refused> unshared;
        for (;;) {
            Refused refused{nullptr, render(hints), hints, {}};
            refused.answer = prepare_anew(refused.rendered.text);
            const auto* result = refused.answer.get();
            if (ok(refused.answer)) return std::nullopt;
            const auto said = words_of(result);
            const bool shared = !hints.kinds.empty();
            if (learn_hint({said.sqlstate, said.message, place_in(result)}, refused.rendered, statement, hints)) {
                if (!shared && !hints.kinds.empty()) unshared = std::move(refused);
                continue;
            }
            if (!unshared) return refused;
            unshared->more = why_not_shared(statement, hints);
            return unshared;
        }
    }

    void tell(std::size_t index, const Refused& refused, RefusalWords words, std::optional<std::size_t> sort_column = {}) {
        const auto byte = error_byte(refused.answer.get(), refused.rendered.text);
        if (!words.offset && byte) words.offset = refused.rendered.source_offset(*byte);
        problems_.push_back({index, words.message + refused.more, words.offset, sort_column});
    }

    // First, so that whatever is wrong with the user's text is told of that alone. Its columns are known then.
    bool is_right_by_itself(std::size_t index, const sql::Statement& statement) {
        sql::Statement::Hints hints;
        const auto render = [&](const sql::Statement::Hints& learnt) { return statement.bare(learnt); };
        if (const auto refused = refusal_of(statement, hints, render)) {
            tell(index, *refused,
                 {in_users_words(words_of(refused->answer.get()), statement, refused->hints), std::nullopt});
            return false;
        }
        look_at_columns(index, statement);
        return true;
    }

    bool prepare(std::size_t index, const sql::Statement& statement, sql::PageStep step, sql::Statement::Hints& hints) {
        const auto render = [&](const sql::Statement::Hints& learnt) { return statement.rendered(learnt, step); };
        const auto refused = refusal_of(statement, hints, render);
        if (!refused) return true;
        const auto byte = error_byte(refused->answer.get(), refused->rendered.text);
        const auto column = byte ? sort_column_at(statement.spec(), refused->rendered, *byte) : std::nullopt;
        const auto said = words_of(refused->answer.get());
        tell(index, *refused,
             column ? RefusalWords{in_users_words(said, statement, refused->hints), std::nullopt}
                    : why_not_served(said, statement, refused->hints, PQserverVersion(connection_.native())),
             column);
        return false;
    }

    void read_types(std::size_t index, const sql::Statement& statement, const sql::Statement::Hints& hints) {
        const auto answer = ask([this](PGconn* c) { return PQdescribePrepared(c, name_.c_str()); });
        if (!ok(answer)) return;
        for (std::size_t k = 1; k <= statement.argument_count(hints); ++k) {
            expected_.push_back({index, statement.parameter_of(k, hints), statement.source_of(k, hints),
                                 PQparamtype(answer.get(), static_cast<int>(k - 1))});
        }
    }

    // Of what was prepared last.
    void look_at_columns(std::size_t index, const sql::Statement& statement) {
        const auto& spec = statement.spec();
        if (spec.result == ResultShape::none) return;
        const auto answer = ask([this](PGconn* c) { return PQdescribePrepared(c, name_.c_str()); });
        if (!ok(answer)) return;
        std::vector<std::string> names;
        for (int column = 0; column < PQnfields(answer.get()); ++column) names.emplace_back(PQfname(answer.get(), column));
        for (std::size_t i = 0; i < spec.needed_columns.size(); ++i) {
            const auto& needed = spec.needed_columns[i];
            if (std::find(names.begin(), names.end(), needed) != names.end()) continue;
            problems_.push_back({index, "the answer has no column '" + needed + "'", std::nullopt, std::nullopt, i});
        }
        for (auto& mistake : sql::column_mistakes(spec.sql, names))
            problems_.push_back({index, std::move(mistake.message), mistake.offset});
    }

    // Modifying statements do not get here. Nulls stand for the values, which a generic plan does not look at.
    void look_at_plan(std::size_t index, const sql::Statement& statement, const sql::Statement::Hints& hints) {
        std::string sql = "explain (format json) execute " + name_;
        const auto count = statement.argument_count(hints) + statement.page_argument_count(sql::PageStep::first);
        for (std::size_t k = 1; k <= count; ++k) sql += k == 1 ? "(null" : ", null";
        if (count > 0) sql += ')';
        const auto answer = ask([&](PGconn* c) { return PQexec(c, sql.c_str()); });
        if (ok(answer) && PQntuples(answer.get()) > 0 &&
            std::strstr(PQgetvalue(answer.get(), 0, 0), "\"Node Type\": \"LockRows\"") != nullptr) {
            problems_.push_back({index, "a GET must only read, and this statement locks rows (for update, for share)",
                                 offset_of_lock(statement.spec().sql)});
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
        std::map<std::string, sql::SqlType> types;
        const auto rows = connection_.execute(
            "select t.oid::text, format_type(t.oid, null), t.typcategory::text, coalesce(e.typcategory, t.typcategory) = 'C'"
            " from pg_type t left join pg_type e on e.oid = t.typelem and t.typcategory = 'A' where t.oid = any($1::oid[])",
            {sql::array_literal(texts)}, limit_);
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
                                     std::string{sql::declared_name(declared)} + " but PostgreSQL expects " + type.name +
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
