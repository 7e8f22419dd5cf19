#include "postgres/connection/refusal_words.hpp"

#include "sql/scanner.hpp"
#include "sql/with_list.hpp"
#include "sql/words.hpp"

#include <cctype>
#include <charconv>
#include <initializer_list>

namespace sluice::postgres {
namespace {

/// What is wrapped around the statement has names of its own.
std::string without_ours(std::string text) {
    for (const std::string_view ours : {"sluice_row.", "sluice_page."}) {
        for (auto at = text.find(ours); at != text.npos; at = text.find(ours, at)) text.erase(at, ours.size());
    }
    return text;
}

std::string with_names(std::string_view message, const sql::Statement& statement, const sql::Statement::Hints& hints) {
    std::string text;
    while (!message.empty()) {
        const auto dollar = message.find('$');
        text += message.substr(0, dollar);
        if (dollar == message.npos) break;
        message.remove_prefix(dollar + 1);
        std::size_t k = 0;
        const auto [end, error] = std::from_chars(message.data(), message.data() + message.size(), k);
        if (error != std::errc{} || k == 0 || k > statement.argument_count(hints)) {
            text += '$';
            continue;
        }
        text += ':' + statement.spec().parameters[statement.parameter_of(k, hints)];
        message.remove_prefix(static_cast<std::size_t>(end - message.data()));
    }
    return without_ours(std::move(text));
}

// What modifies data begins a statement or stands behind the parenthesis of a `with`.
std::optional<std::size_t> modification_in(std::string_view sql) {
    const auto tokens = sql::sql_tokens(sql);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const bool begins = i == 0 || tokens[i - 1].text == "(" || tokens[i - 1].text == ")";
        if (begins && sql::is_any(tokens[i].text, {"insert", "update", "delete", "merge"})) return tokens[i].offset;
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

}  // namespace

std::optional<std::size_t> offset_of_word(std::string_view sql, std::initializer_list<std::string_view> words) {
    for (const auto& token : sql::sql_tokens(sql)) {
        if (sql::is_any(token.text, words)) return token.offset;
    }
    return std::nullopt;
}

std::string in_users_words(const ServerWords& said, const sql::Statement& statement, const sql::Statement::Hints& hints) {
    if (said.message.find("MERGE not supported in WITH") != std::string::npos) {
        return "PostgreSQL 15 and 16 take no `merge` within `with`: let a function do it";
    }
    auto message = with_names(said.message, statement, hints);
    for (const auto& more : {said.detail, said.hint}) {
        if (!more.empty()) message += " (" + with_names(more, statement, hints) + ")";
    }
    return message;
}

RefusalWords why_not_served(const ServerWords& said, const sql::Statement& statement, const sql::Statement::Hints& hints,
                            int server_version) {
    const auto& spec = statement.spec();
    const auto keyword = sql::main_keyword(spec.sql);
    const auto modifies = modification_in(spec.sql);
    const auto tokens = sql::sql_tokens(spec.sql);
    const auto begin = tokens.empty() ? 0 : tokens.front().offset;
    if (spec.read_only && (modifies || keyword == "call")) {
        return {"a GET must only read, and this statement modifies data", modifies.value_or(begin)};
    }
    if (!spec.read_only && spec.result != ResultShape::none) {
        if (auto why = why_no_rows(keyword, server_version); !why.empty()) return {std::move(why), begin};
    }
    const bool writes = sql::is_any(keyword, {"insert", "update", "delete"});
    if (!writes && !sql::is_any(keyword, {"select", "with", "values", "table", "merge", "call"})) {
        return {"'" + keyword +
                    "' answers no rows that can be made JSON: use select, values, table, insert, update or delete" +
                    (spec.read_only ? "" : ", or set `result: none`"),
                begin};
    }
    if (writes && !offset_of_word(spec.sql, {"returning"})) {
        return {"the statement returns no rows: add `returning …` or set `result: none`", begin};
    }
    auto message = in_users_words(said, statement, hints);
    if (message.find("sluice_") != message.npos) {
        message = "its rows cannot be made JSON (SQLSTATE " + said.sqlstate + ")";
    }
    return {std::move(message), std::nullopt};
}

std::string why_not_shared(const sql::Statement& statement, const sql::Statement::Hints& hints) {
    if (hints.kinds.empty()) return {};
    for (std::size_t k = 1; k <= statement.argument_count(hints); ++k) {
        const auto name = statement.parameter_of(k, hints);
        for (auto other = k + 1; other <= statement.argument_count(hints); ++other) {
            if (statement.parameter_of(other, hints) != name) continue;
            const auto& text = statement.spec().parameters[name];
            std::string why{" (':"};
            why.append(text).append("' has several types here; write one behind each, as in `:").append(text);
            return why.append("::text`, and all of them are one parameter)");
        }
    }
    return {};
}

}  // namespace sluice::postgres
