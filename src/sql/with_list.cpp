#include "sql/with_list.hpp"

#include "sql/scanner.hpp"

#include <vector>

namespace sluice::sql {
namespace {

// PostgreSQL 15, SELECT, "with_query": name [(columns)] as [[not] materialized] (…) [search … set name] [cycle … using
// name].
class WithList {
public:
    explicit WithList(std::string_view sql) : tokens_{sql_tokens(sql)} {}

    std::optional<std::size_t> end() {
        if (!take("with")) return std::nullopt;
        take("recursive");
        do {
            ++at_;  // the name
            if (is("(")) skip_parentheses();
            if (!take("as")) return std::nullopt;
            take("not");
            take("materialized");
            if (!is("(")) return std::nullopt;
            skip_parentheses();
            if (is("search")) skip_behind("set");
            if (is("cycle")) skip_behind("using");
        } while (take(","));
        return at_ < tokens_.size() ? std::optional{tokens_[at_].offset} : std::nullopt;
    }

private:
    bool is(std::string_view text) const noexcept { return at_ < tokens_.size() && tokens_[at_].text == text; }
    bool take(std::string_view text) noexcept {
        if (!is(text)) return false;
        ++at_;
        return true;
    }
    void skip_parentheses() {
        std::size_t depth = 0;
        for (; at_ < tokens_.size(); ++at_) {
            if (is("(")) ++depth;
            if (is(")") && --depth == 0) {
                ++at_;
                return;
            }
        }
    }
    // And the name behind that word.
    void skip_behind(std::string_view word) {
        while (at_ < tokens_.size() && !is(word)) ++at_;
        at_ += 2;
    }

    const std::vector<SqlToken> tokens_;
    std::size_t at_ = 0;
};

}  // namespace

std::optional<std::size_t> behind_with_list(std::string_view sql) { return WithList{sql}.end(); }

std::string main_keyword(std::string_view sql) { return first_keyword(sql.substr(behind_with_list(sql).value_or(0))); }

}  // namespace sluice::sql
