#include "sql/used_tables.hpp"

#include "sql/scanner.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace sluice::sql {
namespace {

constexpr std::array<std::string_view, 6> before_table{"from", "join", "into", "update", "table", "using"};
constexpr std::array<std::string_view, 2> before_name{"only", "lateral"};
constexpr std::array<std::string_view, 14> ends_list{"where",  "group",     "order",  "having", "limit", "offset", "set",
                                                     "select", "returning", "values", "window", "union", "fetch",  "for"};

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_name(const SqlToken& token) {
    const char first = token.text.empty() ? ' ' : token.text.front();
    const bool letter = (first >= 'a' && first <= 'z') || first == '_' || static_cast<unsigned char>(first) >= 0x80;
    return first == '"' || (letter && !is_one_of(ends_list, token.text));
}

// The token of a quoted name does not say it.
std::string name_of(std::string_view sql, const SqlToken& token) {
    if (token.text != "\"") return token.text;
    std::string name;
    for (auto at = sql.find('"', token.offset) + 1; at < sql.size(); ++at) {
        if (sql[at] == '"' && sql.substr(at + 1, 1) != "\"") break;
        if (sql[at] == '"') ++at;
        name += sql[at];
    }
    return name;
}

class Reader {
public:
    explicit Reader(std::string_view sql) : sql_{sql}, tokens_{sql_tokens(sql)} {}

    std::vector<std::string> read() {
        for (std::size_t at = 0; at < tokens_.size(); ++at) read(at);
        for (const auto& name : made_here()) tables_.erase(name);
        return {tables_.begin(), tables_.end()};
    }

private:
    void read(std::size_t& at) {
        const auto& word = tokens_[at].text;
        if (word == "(") lists_.push_back(false);
        if (word == ")" && lists_.size() > 1) lists_.pop_back();
        const bool locks = word == "update" && at > 0 && is_one_of(locking, tokens_[at - 1].text);
        const bool expected = (is_one_of(before_table, word) && !locks) || (word == "," && lists_.back());
        if (is_one_of(ends_list, word)) lists_.back() = false;
        if (!expected) return;
        if (word == "from" || word == "using") lists_.back() = true;
        while (at + 1 < tokens_.size() && is_one_of(before_name, tokens_[at + 1].text)) ++at;
        if (at + 1 >= tokens_.size() || !is_name(tokens_[at + 1])) return;
        ++at;
        while (at + 2 < tokens_.size() && tokens_[at + 1].text == "." && is_name(tokens_[at + 2])) at += 2;
        const bool called = at + 1 < tokens_.size() && tokens_[at + 1].text == "(" && word != "into";
        if (!called) tables_.insert(name_of(sql_, tokens_[at]));
    }

    // By `with`.
    std::set<std::string> made_here() const {
        std::set<std::string> names;
        for (std::size_t at = 0; at + 2 < tokens_.size(); ++at) {
            if (tokens_[at + 1].text == "as" && tokens_[at + 2].text == "(") names.insert(name_of(sql_, tokens_[at]));
        }
        return names;
    }

    static constexpr std::array<std::string_view, 3> locking{"for", "key", "do"};

    const std::string_view sql_;
    const std::vector<SqlToken> tokens_;
    std::vector<bool> lists_{false};  // by depth of parentheses: whether a comma comes before a table
    std::set<std::string> tables_;
};

}  // namespace

std::vector<std::string> used_tables(std::string_view sql) { return Reader{sql}.read(); }

}  // namespace sluice::sql
