#include "sql/scanner.hpp"

#include "sql/words.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

namespace sluice::sql {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

class Scanner {
public:
    explicit Scanner(std::string_view sql) : sql_{sql} {}

    boost::system::result<ScannedSql, SqlScanError> run() {
        if (const auto nul = sql_.find('\0'); nul != std::string_view::npos) {
            return SqlScanError{"a statement cannot hold NUL", nul};
        }
        while (at_ < sql_.size() && !error_) step();
        if (error_) return *error_;
        if (!seen_token_) return SqlScanError{"the statement is empty", 0};
        trim();
        return std::move(result_);
    }

    /// After `run`.
    std::set<std::string> take_names() { return std::move(names_); }
    std::vector<SqlToken> take_tokens() { return std::move(tokens_); }

    /// The end of the space or comment at `at`, or `at` itself if there is neither.
    std::size_t skip_blank(std::size_t at) {
        if (is_space(sql_[at])) return at + 1;
        if (starts_with(at, "--")) return std::min(sql_.find('\n', at), sql_.size());
        if (starts_with(at, "/*")) return comment_end(at);
        return at;
    }

private:
    // Where the first `;` stands.
    struct End {
        std::size_t length;  // in the result's text
        std::size_t offset;  // in the source
    };

    void step() {
        const char c = sql_[at_];
        if (const auto end = skip_blank(at_); error_ || end > at_) return copy_to(end);
        if (c == ';') {
            if (!end_) end_ = End{result_.text.size(), at_};
            return copy_to(at_ + 1);
        }
        if (end_) return fail("one statement only: there is more after ';'", end_->offset);
        seen_token_ = true;
        tokens_.push_back({std::string{is_digit(c) ? '0' : c}, at_});
        if (c == '\'') return copy_to(quoted_end(at_, '\'', false));
        if (c == '"') return quoted_identifier();
        if (c == '\\') return fail("'\\' is no SQL: commands such as \\d and \\copy are psql's", at_);
        if (c == ':') return colon();
        if (c == '$') return dollar();
        if (is_digit(c)) return number();
        if (starts_identifier(c)) return word();
        if (c == '[') ++brackets_;
        if (c == ']' && brackets_ > 0) --brackets_;
        copy_to(at_ + 1);
    }

    void colon() {
        if (starts_with(at_, "::") || starts_with(at_, ":=")) return copy_to(at_ + 2);
        if (bounds_slice() || at_ + 1 == sql_.size() || !is_letter(sql_[at_ + 1])) return copy_to(at_ + 1);
        auto end = at_ + 1;
        while (end < sql_.size() && (is_letter(sql_[end]) || is_digit(sql_[end]))) ++end;
        const auto name = sql_.substr(at_ + 1, end - at_ - 1);
        if (name == "body") end = members_end(end);
        if (name == "header") end = field_end(end);
        if (error_) return;
        result_.occurrences.emplace_back(sql_.substr(at_ + 1, end - at_ - 1));
        result_.offsets.push_back(at_);
        result_.text += '$' + std::to_string(result_.occurrences.size());
        at_ = end;
    }

    // The end of the `.name` or `."name"`s behind `:body`.
    std::size_t members_end(std::size_t at) {
        while (at + 1 < sql_.size() && sql_[at] == '.') {
            if (sql_[at + 1] == '"') {
                at = quoted_end(at + 1, '"', false);
            } else if (is_letter(sql_[at + 1])) {
                ++at;
                while (at < sql_.size() && (is_letter(sql_[at]) || is_digit(sql_[at]))) ++at;
            } else {
                break;
            }
        }
        return at;
    }

    // The end of the field's name in `:header.x-tenant`: a hyphen belongs to it if a letter or digit follows.
    std::size_t field_end(std::size_t at) const noexcept {
        const auto names = [this](std::size_t i) { return i < sql_.size() && (is_letter(sql_[i]) || is_digit(sql_[i])); };
        if (at >= sql_.size() || sql_[at] != '.' || !names(at + 1)) return at;
        ++at;
        while (names(at) || (at < sql_.size() && sql_[at] == '-' && names(at + 1))) ++at;
        return at;
    }

    // The colon of `a[1:n]`, `a[i:j]`, `a[f(x):y]`, as against the parameter in `a[:n]` and `array[x, :n]`.
    bool bounds_slice() const noexcept {
        if (brackets_ == 0) return false;
        const char before = sql_[at_ - 1];
        return continues_identifier(before) || before == ']' || before == ')' || before == '"';
    }

    void dollar() {
        if (at_ + 1 < sql_.size() && is_digit(sql_[at_ + 1])) {
            return fail("positional parameters such as $1 are not supported, use :name", at_);
        }
        auto end = at_ + 1;
        if (end < sql_.size() && starts_identifier(sql_[end])) {
            while (end < sql_.size() && continues_identifier(sql_[end]) && sql_[end] != '$') ++end;
        }
        if (end == sql_.size() || sql_[end] != '$') return copy_to(at_ + 1);
        const auto tag = sql_.substr(at_, end - at_ + 1);
        const auto close = sql_.find(tag, end + 1);
        if (close == std::string_view::npos) {
            return fail("the dollar quote " + std::string{tag} + " is never closed", at_);
        }
        copy_to(close + tag.size());
    }

    void number() {
        auto end = at_;
        while (end < sql_.size() && (is_digit(sql_[end]) || sql_[end] == '.')) ++end;
        copy_to(end);
    }

    // Each quote within is doubled.
    void quoted_identifier() {
        const auto end = quoted_end(at_, '"', false);
        std::string name;
        for (auto i = at_ + 1; i + 1 < end; ++i) {
            name += sql_[i];
            if (sql_[i] == '"') ++i;
        }
        names_.insert(std::move(name));
        copy_to(end);
    }

    // An identifier, a keyword, or the prefix of a string: E'…' reads backslashes; U&'…', B'…', X'…', N'…' do not.
    void word() {
        auto end = at_;
        while (end < sql_.size() && continues_identifier(sql_[end])) ++end;
        const auto text = sql_.substr(at_, end - at_);
        if (end < sql_.size() && sql_[end] == '\'' && (text == "e" || text == "E")) {
            return copy_to(escape_string_end(end));
        }
        std::string name{text};
        std::transform(name.begin(), name.end(), name.begin(), lower);
        tokens_.back().text = name;
        names_.insert(std::move(name));
        copy_to(end);
    }

    // E'…' and what continues it: strings that only white space with a line break parts are one string, of one kind.
    std::size_t escape_string_end(std::size_t open) {
        auto end = quoted_end(open, '\'', true);
        for (;;) {
            auto next = end;
            while (next < sql_.size() && (is_space(sql_[next]) || starts_with(next, "--"))) next = skip_blank(next);
            const bool continues = next < sql_.size() && sql_[next] == '\'' &&
                                   sql_.substr(end, next - end).find_first_of("\r\n") != std::string_view::npos;
            if (!continues) return end;
            end = quoted_end(next, '\'', true);
        }
    }

    // The position after the quote that closes the one at `open`. A doubled quote stands for itself.
    std::size_t quoted_end(std::size_t open, char quote, bool backslashes) {
        for (auto i = open + 1; i < sql_.size(); ++i) {
            if (backslashes && sql_[i] == '\\') {
                ++i;
            } else if (sql_[i] == quote) {
                if (i + 1 == sql_.size() || sql_[i + 1] != quote) return i + 1;
                ++i;
            }
        }
        fail(quote == '"' ? "the quoted identifier is never closed" : "the string is never closed", open);
        return sql_.size();
    }

    // Comments nest, as in PostgreSQL and the SQL standard.
    std::size_t comment_end(std::size_t open) {
        std::size_t depth = 0;
        for (auto i = open; i + 1 < sql_.size(); ++i) {
            if (starts_with(i, "/*")) {
                ++depth, ++i;
            } else if (starts_with(i, "*/")) {
                ++i;
                if (--depth == 0) return i + 1;
            }
        }
        fail("the comment is never closed", open);
        return sql_.size();
    }

    // Drops the trailing `;` with the blanks after it, and the white space around the statement.
    void trim() {
        auto& text = result_.text;
        if (end_) text.resize(end_->length);
        while (!text.empty() && is_space(text.back())) text.pop_back();
        std::size_t begin = 0;
        while (begin < text.size() && is_space(text[begin])) ++begin;
        text.erase(0, begin);
    }

    bool starts_with(std::size_t at, std::string_view what) const noexcept { return sql_.substr(at, what.size()) == what; }
    void copy_to(std::size_t end) {
        result_.text += sql_.substr(at_, end - at_);
        at_ = end;
    }
    void fail(std::string message, std::size_t offset) {
        if (!error_) error_ = SqlScanError{std::move(message), offset};
    }

    std::string_view sql_;
    std::size_t at_ = 0;
    ScannedSql result_;
    bool seen_token_ = false;
    std::size_t brackets_ = 0;  // how many `[` are open
    std::set<std::string> names_;
    std::vector<SqlToken> tokens_;
    std::optional<End> end_;
    std::optional<SqlScanError> error_;
};

}  // namespace

void throw_exception_from_error(const SqlScanError& error, const boost::source_location&) {
    throw std::invalid_argument{error.message + " (at byte " + std::to_string(error.offset) + ")"};
}

boost::system::result<ScannedSql, SqlScanError> scan_sql(std::string_view sql) { return Scanner{sql}.run(); }

std::string first_keyword(std::string_view sql) {
    Scanner scanner{sql};
    std::size_t at = 0;
    while (at < sql.size()) {
        const auto end = scanner.skip_blank(at);
        if (end == at && sql[at] != '(') break;
        at = end == at ? at + 1 : end;
    }
    std::string word;
    while (at < sql.size() && is_letter(sql[at])) word += lower(sql[at++]);
    return word;
}

std::vector<SqlToken> sql_tokens(std::string_view sql) {
    Scanner scanner{sql};
    if (!scanner.run()) return {};
    return scanner.take_tokens();
}

std::vector<std::string> mentioned_names(std::string_view sql) {
    Scanner scanner{sql};
    if (!scanner.run()) return {};
    const auto names = scanner.take_names();
    return {names.begin(), names.end()};
}

std::vector<std::string> called_names(std::string_view sql) {
    std::set<std::string> names;
    std::string name;
    bool ended = false;
    for (const char c : sql) {
        if (continues_identifier(c)) {
            if (std::exchange(ended, false)) name.clear();
            name += c;
        } else if (is_space(c) || c == '"') {
            ended = true;
        } else {
            if (c == '(' && !name.empty()) {
                names.insert(name);
                std::transform(name.begin(), name.end(), name.begin(), lower);
                names.insert(name);
            }
            name.clear();
        }
    }
    return {names.begin(), names.end()};
}

}  // namespace sluice::sql
