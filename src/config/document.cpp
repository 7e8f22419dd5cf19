#include "config/document.hpp"

#include "endpoints/decimal.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Walks the source from a place on, line by line, over its visible characters.
class SourceWalk {
public:
    SourceWalk(const std::vector<std::string>& lines, std::size_t line, std::size_t column)
        : lines_{lines}, line_{line}, column_{column} {}

    void next_line() { ++line_, column_ = 0; }
    void advance() { ++column_; }
    bool skip_blanks() {
        while (line_ < lines_.size()) {
            const auto& text = lines_[line_];
            while (column_ < text.size() && is_blank(text[column_])) ++column_;
            if (column_ < text.size()) return true;
            next_line();
        }
        return false;
    }
    char current() const { return line_ < lines_.size() && column_ < lines_[line_].size() ? lines_[line_][column_] : '\n'; }
    std::size_t line() const { return line_; }
    std::size_t column() const { return column_; }

private:
    const std::vector<std::string>& lines_;
    std::size_t line_;
    std::size_t column_;
};

}  // namespace

const Node* Node::find(std::string_view name) const noexcept {
    const auto found = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.name == name; });
    return found == members.end() ? nullptr : &found->value;
}

// Folding, indentation and block headers change white space only. So the place of a character is found by matching the
// visible characters of text and source one by one.
SourceLocation locate(const Document& document, const Node& scalar, std::size_t offset) {
    if (scalar.expanded || scalar.location.line < 1 || scalar.location.column < 1) return scalar.location;
    SourceWalk walk{document.lines, static_cast<std::size_t>(scalar.location.line - 1),
                    static_cast<std::size_t>(scalar.location.column - 1)};
    const char quote = walk.current();
    if (!scalar.plain && (quote == '|' || quote == '>')) {
        walk.next_line();
    } else if (!scalar.plain && (quote == '"' || quote == '\'')) {
        walk.advance();
    }
    for (std::size_t i = 0; i < scalar.text.size() && i <= offset; ++i) {
        if (is_blank(scalar.text[i])) continue;
        if (!walk.skip_blanks() || walk.current() != scalar.text[i]) return scalar.location;
        if (i == offset) {
            return {document.name, static_cast<int>(walk.line()) + 1, static_cast<int>(walk.column()) + 1};
        }
        walk.advance();
        if (!scalar.plain && quote == '\'' && scalar.text[i] == '\'') walk.advance();  // '' stands for '
    }
    return scalar.location;
}

ScalarType type_of(const Node& scalar) noexcept {
    if (scalar.is(Node::Kind::null)) return ScalarType::null;
    if (!scalar.plain) return ScalarType::string;
    const auto& text = scalar.text;
    if (text == "true" || text == "True" || text == "TRUE" || text == "false" || text == "False" || text == "FALSE") {
        return ScalarType::boolean;
    }
    if (endpoints::is_json_integer(text)) return ScalarType::integer;
    if (endpoints::is_json_number(text)) return ScalarType::number;
    return ScalarType::string;
}

std::string describe_kind(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null:
            return "nothing";
        case Node::Kind::sequence:
            return "a list";
        case Node::Kind::mapping:
            return "a mapping";
        case Node::Kind::scalar:
            break;
    }
    return "a text";
}

std::string describe(const Node& node) {
    if (!node.is(Node::Kind::scalar)) return describe_kind(node);
    if (!node.variable.empty()) return "the value of ${" + node.variable + "}";
    if (node.hidden) return "a text that is not shown";
    constexpr std::size_t longest = 60;
    return "'" + (node.text.size() <= longest ? node.text : node.text.substr(0, longest) + "…") + "'";
}

}  // namespace sluice::config
