#include "config/text_places.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::config {
namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool continues_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::size_t characters_in(std::string_view text) noexcept {
    return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues_character));
}

enum class Style { plain, block, single_quotes, double_quotes };

// Walks the source from a place on, line by line.
class SourceWalk {
public:
    SourceWalk(const std::vector<std::string>& lines, std::size_t line, std::size_t byte)
        : lines_{lines}, line_{line}, byte_{byte} {}

    void next_line() { ++line_, byte_ = 0; }
    void advance(std::size_t bytes = 1) { byte_ += bytes; }
    bool skip_blanks() {
        for (; line_ < lines_.size(); next_line()) {
            const auto& text = lines_[line_];
            while (byte_ < text.size() && is_blank(text[byte_])) ++byte_;
            if (byte_ < text.size()) return true;
        }
        return false;
    }
    std::string_view rest() const {
        if (line_ >= lines_.size() || byte_ >= lines_[line_].size()) return {};
        return std::string_view{lines_[line_]}.substr(byte_);
    }
    char current() const { return rest().empty() ? '\n' : rest().front(); }
    int line() const { return static_cast<int>(line_) + 1; }
    int column() const { return column_of(lines_[line_], byte_); }

private:
    const std::vector<std::string>& lines_;
    std::size_t line_;
    std::size_t byte_;
};

/// Bytes of an escape in double quotes, from its backslash on.
std::size_t escape_length(std::string_view source) noexcept {
    constexpr std::size_t with_two = 4;
    constexpr std::size_t with_four = 6;
    constexpr std::size_t with_eight = 10;
    switch (source.size() > 1 ? source[1] : ' ') {
        case 'x':
            return with_two;
        case 'u':
            return with_four;
        case 'U':
            return with_eight;
        default:
            return 2;
    }
}

class Matching {
public:
    Matching(const Document& document, const Node& scalar)
        : text_{scalar.expanded ? scalar.source : scalar.text},
          walk_{document.lines, static_cast<std::size_t>(scalar.location.line - 1),
                byte_of(document.lines[static_cast<std::size_t>(scalar.location.line - 1)], scalar.location.column)} {
        if (scalar.plain) return;
        const char first = walk_.current();
        if (first == '|' || first == '>') {
            style_ = Style::block;
            walk_.next_line();
        } else if (first == '"' || first == '\'') {
            style_ = first == '"' ? Style::double_quotes : Style::single_quotes;
            walk_.advance();
        }
    }

    // What YAML does to a text changes white space only, but for quotes and escapes. So the place of a character is found by
    // matching the visible characters of text and source one by one.
    std::vector<TextPlace> run() {
        for (std::size_t i = 0; i < text_.size();) {
            if (style_ == Style::double_quotes && at_escape()) {
                i = take_escape(i);
            } else if (is_blank(text_[i])) {
                ++i;
                ended_ = true;
            } else {
                if (!walk_.skip_blanks()) break;
                if (style_ == Style::double_quotes && at_escape()) continue;
                if (walk_.current() != text_[i]) break;
                tell(i);
                walk_.advance(style_ == Style::single_quotes && text_[i] == '\'' ? 2 : 1);  // '' stands for '
                if (style_ == Style::single_quotes && text_[i] == '\'') ended_ = true;
                ++i;
            }
        }
        return std::move(places_);
    }

private:
    bool at_escape() const { return walk_.current() == '\\'; }

    /// The character behind the one that the escape stands for.
    std::size_t take_escape(std::size_t i) {
        const auto source = walk_.rest();
        if (source.size() == 1 || source == "\\\r") {  // it joins two lines
            walk_.next_line();
            return i;
        }
        ended_ = true;
        tell(i);
        ended_ = true;
        walk_.advance(escape_length(source));
        for (++i; i < text_.size() && continues_character(text_[i]);) ++i;
        return i;
    }

    void tell(std::size_t i) {
        if (std::exchange(ended_, false)) places_.push_back({i, walk_.line(), walk_.column()});
    }

    std::string_view text_;
    SourceWalk walk_;
    Style style_ = Style::plain;
    bool ended_ = true;  // the part of the text that stands side by side in the file
    std::vector<TextPlace> places_;
};

}  // namespace

std::vector<TextPlace> places_of(const Document& document, const Node& scalar) {
    const auto& start = scalar.location;
    if (!scalar.is(Node::Kind::scalar) || start.line < 1 || static_cast<std::size_t>(start.line) > document.lines.size())
        return {};
    auto written = Matching{document, scalar}.run();
    if (!scalar.expanded) return written;
    std::vector<TextPlace> places;
    for (const auto& part : scalar.parts) {
        const auto begin = locate(start, written, scalar.source, part.source);
        places.push_back({part.text, begin.line, begin.column});
        for (const auto& place : written) {
            if (place.offset <= part.source || place.offset >= part.source + part.length) continue;
            places.push_back({part.text + place.offset - part.source, place.line, place.column});
        }
    }
    return places;
}

SourceLocation locate(const SourceLocation& start, std::span<const TextPlace> places, std::string_view text,
                      std::size_t offset) {
    offset = std::min(offset, text.find_last_not_of(" \t\r\n") + 1);
    const auto after = std::upper_bound(places.begin(), places.end(), offset,
                                        [](std::size_t at, const TextPlace& place) { return at < place.offset; });
    if (after == places.begin()) return start;
    const auto& place = *std::prev(after);
    const auto between = text.substr(place.offset, offset - place.offset);
    return {start.file, place.line, place.column + static_cast<int>(characters_in(between))};
}

SourceLocation locate(const Document& document, const Node& scalar, std::size_t offset) {
    return locate(scalar.location, places_of(document, scalar), scalar.text, offset);
}

std::size_t byte_of(std::string_view line, int column) noexcept {
    std::size_t byte = 0;
    for (; byte < line.size() && column > 1; --column) {
        for (++byte; byte < line.size() && continues_character(line[byte]);) ++byte;
    }
    return byte;
}

int column_of(std::string_view line, std::size_t byte) noexcept {
    return static_cast<int>(characters_in(line.substr(0, byte))) + 1;
}

}  // namespace sluice::config
