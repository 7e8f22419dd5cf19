// From a route's SQL to the text that is prepared: parameters numbered, and the rendering to JSON wrapped around it. Pure.
#pragma once

#include "sluice/ports/database.hpp"
#include "sql/keyset.hpp"

#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sql {

/// A text to prepare that knows where its parts came from.
struct Rendered {
    std::string text;

    /// The byte of the user's SQL that byte `at` of the text stems from; what is wrapped around counts as its nearest end.
    std::size_t source_offset(std::size_t at) const noexcept;
    /// Whether byte `at` of the text was copied from the user's SQL.
    bool from_source(std::size_t at) const noexcept;

    struct Piece {
        std::size_t at;      ///< in the text
        std::size_t length;  ///< in the text
        std::size_t source;  ///< in the user's SQL
        bool literal;        ///< copied byte for byte; else a parameter
    };
    std::vector<Piece> pieces;
};

/// Every `:name` becomes a `$k` of its own, since PostgreSQL deduces one type per number: `:q is null or name = :q` then
/// works whatever the first says. Where PostgreSQL has to see that two expressions are one (`select f(:x, a) … group by
/// f(:x, a)`), those of a name share a number for each type that is deduced for them: see Hints.
///
/// A read is wrapped as a subquery, in which PostgreSQL accepts no statement that modifies data; a write as a common table
/// expression, which runs to its end whatever is read from it. A `with` list of the write's own goes before that one, since
/// PostgreSQL lets a `with` modify data at the top alone. The row's alias is one that no column is likely to have: a
/// column of that name would be taken for the row.
class Statement {
public:
    /// What PostgreSQL's refusals have taught of how a text has to be written. Values are bound to the text that was written
    /// by the same hints.
    struct Hints {
        std::set<std::size_t> declared;  ///< which `$k` get their declared type, because PostgreSQL cannot infer one
        /// By occurrence of a `:name`: those of one name and one kind share a `$k`. Empty: none does.
        std::vector<unsigned> kinds;
        std::vector<std::size_t> numbers;  ///< by occurrence: its k. Empty as `kinds`
        std::vector<std::size_t> first;    ///< by k - 1: its first occurrence. Empty as `kinds`
        friend bool operator==(const Hints&, const Hints&) = default;
    };
    /// No hints.
    static const Hints each_its_own;
    static constexpr std::size_t uncut = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t most_cut = 10'485'760;  ///< PostgreSQL's documentation, section 8.3

    /// A parameter `name[]` of the specification is what `:name` means where the SQL casts it to an array. Throws
    /// std::invalid_argument for SQL that cannot be scanned or names a parameter the specification lacks.
    explicit Statement(StatementSpec spec);

    const StatementSpec& spec() const noexcept { return spec_; }

    /// Columns: the JSON (null if a read of `one` finds no row; a write of `one` returns no row then). A write of `many`
    /// has the first row as second column. A write of `none` is the bare statement. By pages, the last column is the key of
    /// the page's last row if there are rows behind it, else null; see page_argument_count for its parameters.
    ///
    /// In place of a JSON longer than the specification's `max_answer` there is an error (refused_size): the server alone
    /// knows the length before it is sent. With `cut`, at most most_cut, there is none, and a read's JSON ends after so many
    /// characters: whole is what has fewer bytes than that. A server cuts for next to nothing, and goes on with what else it
    /// was asked.
    Rendered plain(const Hints& hints = each_its_own, PageStep step = PageStep::first, std::size_t cut = uncut) const;
    /// The user's SQL with its parameters numbered, and nothing around it: for its columns.
    Rendered bare(const Hints& hints = each_its_own) const;
    /// For labelled reads: always one row of the JSON and the snapshot, which on a standby does not say what runs.
    Rendered labelled(const Hints& hints = each_its_own, PageStep step = PageStep::first, std::size_t cut = uncut) const;
    /// The one of the two that the specification asks for.
    Rendered rendered(const Hints& hints, PageStep step, std::size_t cut = uncut) const {
        return spec_.labelled ? labelled(hints, step, cut) : plain(hints, step, cut);
    }

    /// Of a write with `tag_columns`: the columns of `plain`, and one more of what stands in tags for those of the first
    /// row, as JSON. A column that the row lacks is null. Needs the functions of the schema `sluice`.
    Rendered tagged(const Hints& hints = each_its_own) const;

    /// Many calls of a read without pages in one: each `$k` is an array of the values of all calls, whose type is not in the
    /// text but declared when it is prepared, and a row is answered for each call. Columns: the call's number, from 1, and
    /// those of `plain` or, if it is labelled, `labelled`. A value is written as an element of its array, so that it has the
    /// type and names the column that it has and names alone.
    Rendered collapsed(const Hints& hints = each_its_own, std::size_t cut = uncut) const;

    /// Reads the column `version` alone, for a check that there is one: not to be run.
    Rendered version_of_row(const Hints& hints) const;

    /// Bytes of the longest JSON it may answer.
    std::size_t longest() const noexcept { return spec_.max_answer == 0 ? uncut : spec_.max_answer; }

    /// Whether others may run in the same transaction: a read, and none that names what would stay behind in it, such as
    /// set_config or an advisory lock.
    bool can_be_pipelined() const noexcept { return can_be_pipelined_; }

    /// What it may have to wait for, see used_tables.
    const std::vector<std::string>& tables() const noexcept { return tables_; }

    /// How many `$k` stem from the user's SQL.
    std::size_t argument_count(const Hints& hints) const noexcept {
        return hints.kinds.empty() ? arguments_.size() : hints.first.size();
    }
    /// How many follow them in a page's text: the number of rows and, but for the first page, a value for each sort column.
    std::size_t page_argument_count(PageStep step) const noexcept;
    /// The index in StatementSpec::parameters that `$k` stands for, k from 1.
    std::size_t parameter_of(std::size_t k, const Hints& hints) const noexcept {
        return arguments_[first_of(k, hints)].parameter;
    }
    /// The byte in the user's SQL of the colon of its first `:name`.
    std::size_t source_of(std::size_t k, const Hints& hints) const noexcept { return arguments_[first_of(k, hints)].source; }

    /// Lets the occurrences of each name share a number. False: they do already, or no name occurs twice.
    bool share(Hints& hints) const;
    /// The occurrence that is nearest to a byte of the user's SQL does not fit the others that it shares a number with: it
    /// is of the name's next kind. False: none shares one.
    bool part(Hints& hints, std::size_t byte) const;

private:
    struct Argument {
        std::size_t parameter;  // index in the specification
        std::size_t source;     // byte of its colon in the user's SQL
        std::size_t length;     // of `:name`
    };
    /// What stands in the text for an occurrence, counted from 0.
    using Naming = std::function<std::string(std::size_t occurrence)>;
    static std::size_t first_of(std::size_t k, const Hints& hints) noexcept {
        return hints.kinds.empty() ? k - 1 : hints.first[k - 1];
    }
    static std::size_t number_of(std::size_t occurrence, const Hints& hints) noexcept {
        return hints.kinds.empty() ? occurrence + 1 : hints.numbers[occurrence];
    }
    void number(Hints& hints) const;
    Naming numbered(const Hints& hints) const;
    void append_sql(Rendered& to, const Naming& naming) const { append_part(to, naming, begin_, end_); }
    void append_part(Rendered& to, const Naming& naming, std::size_t from, std::size_t end) const;
    void append_read(Rendered& to, const Naming& naming, std::size_t cut) const;
    void append_page(Rendered& to, const Hints& hints, PageStep step, std::size_t cut) const;
    void append_write(Rendered& to, const Naming& naming, std::string_view more_columns) const;
    std::string tag_column() const;

    StatementSpec spec_;
    bool can_be_pipelined_ = false;
    std::vector<std::string> tables_;
    std::size_t begin_ = 0;  // of the statement proper in the user's SQL
    std::size_t end_ = 0;
    std::size_t main_ = 0;  // behind the `with` list of a write; `begin_`: it has none
    std::vector<Argument> arguments_;
};

/// What PostgreSQL calls the type that a parameter is declared with.
std::string_view type_name(ParameterType type) noexcept;

/// How long the JSON was that a text found too long; nothing: it is another error.
std::optional<std::size_t> refused_size(std::string_view sqlstate, std::string_view message) noexcept;

/// `$k` in the message of an indeterminate or ambiguous parameter type (SQLSTATE 42P18, 42P08), as k.
std::optional<std::size_t> parameter_in_message(std::string_view message) noexcept;

/// An array in PostgreSQL's notation, whatever the type of its elements.
std::string array_literal(std::span<const std::string> values);
/// Nothing is NULL.
std::string array_literal_with_nulls(std::span<const std::optional<std::string>> values);

}  // namespace sluice::sql
