#include "config/yaml_outline.hpp"

#include <algorithm>
#include <utility>

namespace sluice::config {
namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }

class Reader {
public:
    Reader(const std::vector<std::string>& lines, YamlPlace end) : lines_{lines}, end_{end} {}

    YamlOutline run() {
        for (; at_.line < lines_.size() && at_.line <= end_.line; ++at_.line) {
            if (!outline_.open_quote && goes_on_in_block()) continue;
            read_line();
        }
        return std::move(outline_);
    }

private:
    const std::string& line() const { return lines_[at_.line]; }

    bool goes_on_in_block() {
        if (!block_indentation_) return false;
        const auto indentation = indentation_of(line());
        const bool blank = indentation == line().size();
        if (!blank && indentation < *block_indentation_) {
            block_indentation_.reset();
            return false;
        }
        // That of its first line is what all of them have.
        if (!blank)
            block_indentation_ = std::max(*block_indentation_, std::exchange(first_in_block_, false) ? indentation : 0);
        outline_.block_end = at_.line + 1;
        return true;
    }

    void read_line() {
        const auto& text = line();
        const auto length = at_.line == end_.line ? std::min(end_.byte, text.size()) : text.size();
        starts_value_ = true;
        for (at_.byte = 0; at_.byte < length; ++at_.byte) {
            if (outline_.open_quote) {
                in_quote(text);
            } else if (text[at_.byte] == '#' && (at_.byte == 0 || is_blank(text[at_.byte - 1]))) {
                return;
            } else if (!is_blank(text[at_.byte])) {
                outside(text);
            }
        }
    }

    void in_quote(const std::string& text) {
        const char c = text[at_.byte];
        if (quote_ == '"' && c == '\\') {
            ++at_.byte;
        } else if (c == quote_) {
            if (quote_ == '\'' && text.substr(at_.byte + 1, 1) == "'") {
                ++at_.byte;
                return;
            }
            outline_.last_quoted = {*outline_.open_quote, at_, quote_};
            outline_.open_quote.reset();
            starts_value_ = false;
        }
    }

    void outside(const std::string& text) {
        const char c = text[at_.byte];
        const bool starts = std::exchange(starts_value_, false);
        const bool spaced = at_.byte + 1 == text.size() || is_blank(text[at_.byte + 1]);
        const bool flow = !outline_.brackets.empty();
        if (starts && (c == '"' || c == '\'')) {
            outline_.open_quote = at_;
            quote_ = c;
        } else if ((starts || flow) && (c == '[' || c == '{')) {
            outline_.brackets.push_back(at_);
            starts_value_ = true;
        } else if (flow && (c == ']' || c == '}')) {
            outline_.last_opening = outline_.brackets.back();
            outline_.last_closing = at_;
            outline_.brackets.pop_back();
        } else if ((c == ':' && spaced) || (flow && c == ',') || (starts && spaced && (c == '-' || c == '?'))) {
            starts_value_ = true;
        } else if (starts && !flow && (c == '|' || c == '>')) {
            block_indentation_ = indentation_of(text) + 1;
            first_in_block_ = true;
            outline_.block = at_.line;
            outline_.block_end = at_.line + 1;
            at_.byte = text.size();
        } else if (starts && (c == '&' || c == '!')) {  // a value follows them
            while (at_.byte + 1 < text.size() && !is_blank(text[at_.byte + 1])) ++at_.byte;
            starts_value_ = true;
        }
    }

    const std::vector<std::string>& lines_;
    const YamlPlace end_;
    YamlPlace at_;
    YamlOutline outline_;
    char quote_ = '"';
    bool starts_value_ = true;
    std::optional<std::size_t> block_indentation_;  // of the block's lines, at least
    bool first_in_block_ = false;
};

}  // namespace

YamlOutline outline_of(const std::vector<std::string>& lines, YamlPlace end) { return Reader{lines, end}.run(); }

bool is_unclosed_quote(const std::vector<std::string>& lines, YamlPlace at) {
    if (at.line >= lines.size() || at.byte >= lines[at.line].size()) return false;
    const char quote = lines[at.line][at.byte];
    if (quote != '"' && quote != '\'') return false;
    for (++at.byte; at.line < lines.size(); ++at.line, at.byte = 0) {
        const auto& text = lines[at.line];
        for (; at.byte < text.size(); ++at.byte) {
            if (quote == '"' && text[at.byte] == '\\') {
                ++at.byte;
            } else if (text[at.byte] == quote) {
                if (quote == '"' || at.byte + 1 == text.size() || text[at.byte + 1] != quote) return false;
                ++at.byte;
            }
        }
    }
    return true;
}

std::size_t indentation_of(std::string_view line) noexcept { return std::min(line.find_first_not_of(" \t\r"), line.size()); }

}  // namespace sluice::config
