#include "sql/statement.hpp"

#include "sql/array_cast.hpp"
#include "sql/quoting.hpp"
#include "sql/scanner.hpp"
#include "sql/used_tables.hpp"
#include "sql/with_list.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace sluice::sql {
namespace {

// The label of a read on the primary: what its value must know to be judged against invalidations.
constexpr std::string_view label_column = ", pg_current_snapshot()::text";

void append(Rendered& to, std::string_view text) { to.text += text; }

const std::string row_json = "row_to_json(sluice_row)::text";
const std::string rows_json = "coalesce(json_agg(sluice_row), '[]')::text";
constexpr std::string_view mark_of_length = "sluice max_answer ";

/// The JSON, or an error that tells its length: of a number that is none, which PostgreSQL quotes in every language. NULL
/// stays NULL.
std::string no_longer_than(std::size_t most, const std::string& json) {
    if (most == Statement::uncut) return json;
    const auto length = "octet_length(" + json + ")";
    return "case when " + length + " > " + std::to_string(most) + " then ('" + std::string{mark_of_length} + "' || " +
           length + ")::int::text else " + json + " end";
}

/// The same of the one column of what `append_rest` adds: computed once, whatever the planner thinks. Cut it is one call of
/// a function, which looks at the length alone, in place of a node in the plan and of a dozen functions to look up.
template <class Append>
void append_bounded(Rendered& to, std::size_t most, std::size_t cut, const std::string& json, Append append_rest) {
    if (cut != Statement::uncut || most == Statement::uncut) {
        append(to, "select " + json);
        if (cut != Statement::uncut) append(to, "::varchar(" + std::to_string(cut) + ")");
        return append_rest();
    }
    append(to, "select " + no_longer_than(most, "sluice_json") + " from (select " + json + " as sluice_json");
    append_rest();
    append(to, ") sluice_answer");
}

void append_element(std::string& literal, const std::string& value) {
    literal += '"';
    for (const char c : value) {
        if (c == '"' || c == '\\') literal += '\\';
        literal += c;
    }
    literal += '"';
}

void append_element(std::string& literal, const std::optional<std::string>& value) {
    if (value) return append_element(literal, *value);
    literal += "null";
}

template <class Values>
std::string literal_of(const Values& values) {
    std::string literal = "{";
    for (const auto& value : values) {
        if (literal.size() > 1) literal += ',';
        append_element(literal, value);
    }
    return literal + '}';
}

// The column that says where the next page begins.
void append_key(Rendered& to, std::span<const SortColumn> by, std::size_t limit) {
    const auto number = '$' + std::to_string(limit) + "::bigint";
    append(to, ", (select " + key_of(by) + "::text from sluice_page where (select count(*) from sluice_page) > " + number +
                   " limit 1 offset " + number + " - 1)");
}

bool names_any(std::string_view sql, std::initializer_list<std::string_view> words) {
    const auto equal = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return std::search(sql.begin(), sql.end(), word.begin(), word.end(), equal) != sql.end();
    });
}

}  // namespace

std::size_t Rendered::source_offset(std::size_t at) const noexcept {
    if (pieces.empty()) return 0;
    const auto after = std::upper_bound(pieces.begin(), pieces.end(), at,
                                        [](std::size_t value, const Piece& piece) { return value < piece.at; });
    if (after == pieces.begin()) return pieces.front().source;
    const auto& piece = *std::prev(after);
    return piece.literal ? piece.source + std::min(at - piece.at, piece.length) : piece.source;
}

bool Rendered::from_source(std::size_t at) const noexcept {
    return std::any_of(pieces.begin(), pieces.end(),
                       [&](const Piece& piece) { return at >= piece.at && at - piece.at < piece.length; });
}

Statement::Statement(StatementSpec spec) : spec_{std::move(spec)} {
    const auto scanned = scan_sql(spec_.sql);
    if (!scanned) throw std::invalid_argument{spec_.name + ": " + scanned.error().message};

    tables_ = used_tables(spec_.sql);
    can_be_pipelined_ = spec_.read_only && !names_any(spec_.sql, {"set_config", "advisory"});
    begin_ = spec_.sql.find_first_not_of(" \t\n\r\f\v");
    std::ptrdiff_t growth = 0;  // of the numbers over the names
    for (std::size_t i = 0; i < scanned->occurrences.size(); ++i) {
        const auto& name = scanned->occurrences[i];
        auto found = std::find(spec_.parameters.begin(), spec_.parameters.end(), name);
        if (is_cast_to_array(spec_.sql, scanned->offsets[i] + 1 + name.size())) {
            const auto array = std::find(spec_.parameters.begin(), spec_.parameters.end(), name + "[]");
            if (array != spec_.parameters.end()) found = array;
        }
        if (found == spec_.parameters.end())
            throw std::invalid_argument{spec_.name + ": no parameter is called '" + name + "'"};
        const auto index = static_cast<std::size_t>(found - spec_.parameters.begin());
        arguments_.push_back({index, scanned->offsets[i], name.size() + 1});
        growth += static_cast<std::ptrdiff_t>(std::to_string(i + 1).size()) - static_cast<std::ptrdiff_t>(name.size());
    }
    main_ = spec_.read_only ? begin_ : behind_with_list(spec_.sql).value_or(begin_);
    end_ = begin_ + static_cast<std::size_t>(static_cast<std::ptrdiff_t>(scanned->text.size()) - growth);
}

const Statement::Hints Statement::each_its_own{};

bool Statement::share(Hints& hints) const {
    if (!hints.kinds.empty()) return false;
    std::set<std::size_t> names;
    for (const auto& argument : arguments_) names.insert(argument.parameter);
    if (names.size() == arguments_.size()) return false;
    hints.kinds.assign(arguments_.size(), 0);
    number(hints);
    return true;
}

bool Statement::part(Hints& hints, std::size_t byte) const {
    std::optional<std::size_t> nearest;
    const auto distance = [&](std::size_t i) {
        const auto source = arguments_[i].source;
        return source > byte ? source - byte : byte - source;
    };
    for (std::size_t i = 0; i < hints.kinds.size(); ++i) {
        const bool shares = std::count(hints.numbers.begin(), hints.numbers.end(), hints.numbers[i]) > 1;
        if (shares && (!nearest || distance(i) < distance(*nearest))) nearest = i;
    }
    if (!nearest) return false;
    ++hints.kinds[*nearest];
    number(hints);
    return true;
}

// In the order of their first occurrences.
void Statement::number(Hints& hints) const {
    hints.numbers.clear();
    hints.first.clear();
    hints.declared.clear();
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
        const auto same = [&](std::size_t j) {
            return arguments_[j].parameter == arguments_[i].parameter && hints.kinds[j] == hints.kinds[i];
        };
        const auto found = std::find_if(hints.first.begin(), hints.first.end(), same);
        hints.numbers.push_back(static_cast<std::size_t>(found - hints.first.begin()) + 1);
        if (found == hints.first.end()) hints.first.push_back(i);
    }
}

Statement::Naming Statement::numbered(const Hints& hints) const {
    return [this, &hints](std::size_t occurrence) {
        const auto k = number_of(occurrence, hints);
        auto number = '$' + std::to_string(k);
        const auto parameter = arguments_[occurrence].parameter;
        if (!hints.declared.contains(k) || parameter >= spec_.parameter_types.size()) return number;
        return '(' + number + "::" + std::string{type_name(spec_.parameter_types[parameter])} + ')';
    };
}

void Statement::append_part(Rendered& to, const Naming& naming, std::size_t from, std::size_t end) const {
    const std::string_view sql{spec_.sql};
    const auto copy_until = [&](std::size_t until) {
        if (until > from) to.pieces.push_back({to.text.size(), until - from, from, true});
        to.text += sql.substr(from, until - from);
    };
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
        const auto& argument = arguments_[i];
        if (argument.source < from || argument.source >= end) continue;
        copy_until(argument.source);
        const auto at = to.text.size();
        to.text += naming(i);
        to.pieces.push_back({at, to.text.size() - at, argument.source, false});
        from = argument.source + argument.length;
    }
    copy_until(end);
    to.pieces.push_back({to.text.size(), 0, end, true});  // what follows stems from the end
}

// The line break ends a `--` comment the statement may close with.
void Statement::append_read(Rendered& to, const Naming& naming, std::size_t cut) const {
    const bool one = spec_.result == ResultShape::one;
    const auto append_rows = [&] {
        append(to, " from (");
        append_sql(to, naming);
        append(to, one ? "\n) sluice_row limit 1" : "\n) sluice_row");
    };
    append_bounded(to, longest(), cut, one ? row_json : rows_json, append_rows);
}

std::size_t Statement::page_argument_count(PageStep step) const noexcept {
    if (spec_.page_by.empty()) return 0;
    return step == PageStep::first ? 1 : 1 + spec_.page_by.size();
}

// The rows of the page and one more, which tells whether there is a next page. Each range is ordered and limited by itself,
// so that an index yields it in order; what they yield is merged.
void Statement::append_page(Rendered& to, const Hints& hints, PageStep step, std::size_t cut) const {
    const auto naming = numbered(hints);
    const auto count = argument_count(hints);
    const auto limit = '$' + std::to_string(count + 1) + "::bigint";
    const auto tail = " order by " + order_of(spec_.page_by) + " limit " + limit + " + 1";
    const auto append_rows = [&](const std::string& condition) {
        append(to, "select * from (");
        append_sql(to, naming);
        append(to, "\n) sluice_row");
        if (!condition.empty()) append(to, " where " + condition);
        append(to, tail);
    };
    const auto first_value = count + 2;
    std::vector<std::string> conditions{""};
    if (step == PageStep::behind) conditions = ranges_behind(spec_.page_by, first_value);
    if (step == PageStep::behind_nulls) conditions = {condition_behind(spec_.page_by, first_value)};

    append(to, "with sluice_page as materialized (");
    if (conditions.size() == 1) {
        append_rows(conditions.front());
    } else {
        append(to, "select * from (");
        for (std::size_t i = 0; i < conditions.size(); ++i) {
            append(to, i == 0 ? "(" : " union all (");
            append_rows(conditions[i]);
            append(to, ")");
        }
        append(to, ") sluice_row" + tail);
    }
    append(to, ") select (");
    append_bounded(to, longest(), cut, rows_json,
                   [&] { append(to, " from (select * from sluice_page limit " + limit + ") sluice_row"); });
    append(to, ")");
}

Rendered Statement::plain(const Hints& hints, PageStep step, std::size_t cut) const {
    Rendered to;
    const auto naming = numbered(hints);
    if (!spec_.page_by.empty()) {
        append_page(to, hints, step, cut);
        append_key(to, spec_.page_by, argument_count(hints) + 1);
    } else if (spec_.read_only) {
        append_read(to, naming, cut);
    } else if (spec_.result == ResultShape::none) {
        append_sql(to, naming);
    } else {
        append_write(to, naming, "");
    }
    return to;
}

void Statement::append_write(Rendered& to, const Naming& naming, std::string_view more_columns) const {
    if (main_ > begin_) append_part(to, naming, begin_, main_);
    append(to, main_ > begin_ ? ", sluice_row as (" : "with sluice_row as (");
    append_part(to, naming, main_, end_);
    const bool one = spec_.result == ResultShape::one;
    append(to, "\n) select " + no_longer_than(longest(), one ? row_json : rows_json));
    if (!one) append(to, ", (select row_to_json(sluice_row)::text from sluice_row limit 1)");
    append(to, more_columns);
    append(to, one ? " from sluice_row limit 1" : " from sluice_row");
}

// A name that is no column of the row is found one level further out, where it is null.
std::string Statement::tag_column() const {
    std::string names;
    std::string values;
    std::string absent;
    for (const auto& name : spec_.tag_columns) {
        const auto quoted = quoted_identifier(name);
        const auto* comma = names.empty() ? "" : ", ";
        names.append(comma).append(text_literal(name));
        values.append(comma).append("sluice.tag_of(" + quoted + ")");
        absent.append(comma).append("null::text as " + quoted);
    }
    return ", (select (select json_object(array[" + names + "], array[" + values +
           "]) from sluice_row limit 1)::text from (select " + absent + ") sluice_absent)";
}

Rendered Statement::tagged(const Hints& hints) const {
    Rendered to;
    append_write(to, numbered(hints), tag_column());
    return to;
}

Rendered Statement::bare(const Hints& hints) const {
    Rendered to;
    append_sql(to, numbered(hints));
    return to;
}

Rendered Statement::labelled(const Hints& hints, PageStep step, std::size_t cut) const {
    const bool paged = !spec_.page_by.empty();
    Rendered to;
    if (paged) {
        append_page(to, hints, step, cut);
    } else {
        append(to, "select (");
        append_read(to, numbered(hints), cut);
        append(to, ")");
    }
    append(to, label_column);
    if (paged) append_key(to, spec_.page_by, argument_count(hints) + 1);
    return to;
}

Rendered Statement::collapsed(const Hints& hints, std::size_t cut) const {
    Rendered to;
    append(to, "select sluice_call.number, (");
    const auto naming = [&hints](std::size_t occurrence) {
        return '$' + std::to_string(number_of(occurrence, hints)) + "[sluice_call.number]";
    };
    append_read(to, naming, cut);
    append(to, ")");
    if (spec_.labelled) append(to, label_column);
    // In a subquery no plan knows how many there are: else those made for few would always look better than the lasting one.
    append(to, " from unnest((select $1)) with ordinality sluice_call(value, number)");
    return to;
}

Rendered Statement::version_of_row(const Hints& hints) const {
    Rendered to;
    append(to, "select sluice_row.");
    append(to, version_column);
    append(to, " from (");
    append_sql(to, numbered(hints));
    append(to, "\n) sluice_row");
    return to;
}

std::string_view type_name(ParameterType type) noexcept {
    switch (type) {
        case ParameterType::integer:
            return "bigint";
        case ParameterType::number:
            return "numeric";
        case ParameterType::boolean:
            return "boolean";
        case ParameterType::array:
            return "text[]";
        case ParameterType::string:
            break;
    }
    return "text";
}

std::optional<std::size_t> refused_size(std::string_view sqlstate, std::string_view message) noexcept {
    if (sqlstate != "22P02") return std::nullopt;  // invalid_text_representation
    const auto at = message.find(mark_of_length);
    if (at == message.npos) return std::nullopt;
    std::size_t size = 0;
    const auto [end, error] =
        std::from_chars(message.data() + at + mark_of_length.size(), message.data() + message.size(), size);
    return error == std::errc{} ? std::optional{size} : std::nullopt;
}

std::optional<std::size_t> parameter_in_message(std::string_view message) noexcept {
    for (auto at = message.find('$'); at != std::string_view::npos; at = message.find('$', at + 1)) {
        std::size_t k = 0;
        const auto [end, error] = std::from_chars(message.data() + at + 1, message.data() + message.size(), k);
        if (error == std::errc{} && k > 0) return k;
    }
    return std::nullopt;
}

std::string array_literal(std::span<const std::string> values) { return literal_of(values); }

std::string array_literal_with_nulls(std::span<const std::optional<std::string>> values) { return literal_of(values); }

}  // namespace sluice::sql
