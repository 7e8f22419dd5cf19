#include "config/yaml_words.hpp"

#include "config/yaml_outline.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>

namespace sluice::config {
namespace {

using Lines = std::vector<std::string>;

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const auto part : parts) text += part;
    return text;
}

std::string in_line(YamlPlace place) { return "line " + std::to_string(place.line + 1); }

class Explanation {
public:
    Explanation(const Lines& lines, YamlPlace place, std::string_view complaint)
        : lines_{lines}, place_{place}, complaint_{complaint}, outline_{outline_of(lines, place)} {}

    YamlMistake run() const {
        using Look = std::optional<YamlMistake> (Explanation::*)() const;
        static constexpr std::array<Look, 8> looks{
            &Explanation::tab,       &Explanation::open_bracket, &Explanation::forbidden_start,
            &Explanation::escape,    &Explanation::behind_quote, &Explanation::behind_bracket,
            &Explanation::map_value, &Explanation::indentation};
        for (const auto look : looks) {
            if (auto found = (this->*look)()) return std::move(*found);
        }
        return {place_, std::string{complaint_}};
    }

private:
    bool says(std::string_view what) const { return complaint_.find(what) != complaint_.npos; }
    std::string_view line(std::size_t number) const {
        return number < lines_.size() ? std::string_view{lines_[number]} : std::string_view{};
    }
    char at(YamlPlace place) const {
        const auto text = line(place.line);
        return place.byte < text.size() ? text[place.byte] : '\n';
    }
    std::string sign(YamlPlace place) const { return std::string(1, at(place)); }

    /// The last line above that is neither empty nor a comment; nothing: there is none.
    std::optional<std::size_t> line_above() const {
        for (auto number = std::min(place_.line, lines_.size()); number-- > 0;) {
            const auto begin = indentation_of(line(number));
            if (begin < line(number).size() && line(number)[begin] != '#') return number;
        }
        return std::nullopt;
    }

    /// The text without the comment and the spaces at its end.
    static std::string_view without_comment(std::string_view text) {
        auto comment = text.find(" #");
        if (text.starts_with('#')) comment = 0;
        text = text.substr(0, comment);
        const auto last = text.find_last_not_of(" \t\r");
        return text.substr(0, last == text.npos ? 0 : last + 1);
    }

    std::optional<YamlMistake> tab() const {
        for (const auto number : {std::optional{place_.line}, line_above()}) {
            if (!number) continue;
            const auto text = line(*number);
            const auto found = text.substr(0, indentation_of(text)).find('\t');
            const bool in_text = outline_.open_quote && outline_.open_quote->line < *number;
            if (found != text.npos && !in_text) {
                return YamlMistake{{*number, found}, "a tab in the indentation: YAML wants spaces, two for each level"};
            }
        }
        return std::nullopt;
    }

    std::optional<YamlMistake> open_bracket() const {
        if (!says("flow not found")) return std::nullopt;
        if (outline_.open_quote) return unclosed(*outline_.open_quote);
        if (outline_.brackets.empty()) return std::nullopt;
        const auto open = outline_.brackets.back();
        if (const auto variable = variable_behind(open)) {
            return YamlMistake{*variable, "'${…}' within brackets needs quotes"};
        }
        const auto* bracket = at(open) == '[' ? "]" : "}";
        return YamlMistake{
            open, joined({"'", sign(open), "' that begins at ", in_line(open), " is not closed: '", bracket,
                          "' or ',' is missing before ", in_line(place_), "; a text that holds brackets needs quotes"})};
    }

    /// A `${` that stands in no quotes: its brace is one more that is open.
    std::optional<YamlPlace> variable_behind(YamlPlace open) const {
        for (auto number = open.line; number <= place_.line && number < lines_.size(); ++number) {
            const auto text = line(number);
            for (auto at = text.find("${"); at != text.npos; at = text.find("${", at + 1)) {
                const bool after = number > open.line || at > open.byte;
                if (after && !outline_of(lines_, {number, at}).open_quote) return YamlPlace{number, at};
            }
        }
        return std::nullopt;
    }

    YamlMistake unclosed(YamlPlace quote) const {
        return {quote, joined({"unclosed quote that begins at ", in_line(quote), ": the ", sign(quote),
                               " that ends the text is missing"})};
    }

    /// What is meant, as it has to be written. Elsewhere than among the routes it may be a secret.
    std::string in_quotes(YamlPlace begin) const {
        const auto word = without_comment(line(begin.line).substr(std::min(begin.byte, line(begin.line).size())));
        constexpr std::size_t longest = 60;
        if (holds_secrets_at(lines_, begin.line) || word.size() > longest) return "put it in quotes";
        return joined({"put it in quotes: \"", word, "\""});
    }

    /// What has a meaning of its own where a text begins.
    std::optional<YamlMistake> forbidden_start() const {
        const auto begins = [&](std::string_view with) {
            return YamlMistake{place_, joined({"a text cannot begin with ", with, ": ", in_quotes(place_)})};
        };
        const auto here = joined({"'", sign(place_), "'"});
        if (says("anchor is not defined"))
            return begins("'*', which repeats what an anchor names, and there is no such anchor");
        if (says("unknown token")) return begins(here);
        if (says("illegal flow end")) return begins(joined({here, ", which closes a bracket, and none is open"}));
        if (says("illegal map key")) return begins("'? '");
        if (says("illegal block entry")) {
            return YamlMistake{place_,
                               "a list cannot begin behind its key: write '- …' into the lines below, or '[…, …]' here"};
        }
        if (says("block scalar")) {
            return YamlMistake{place_, "behind '|' or '>' the line must end: the text goes into the lines below, indented"};
        }
        if (says("not found") && at(place_) == ',') return begins(here);
        return std::nullopt;
    }

    std::optional<YamlMistake> escape() const {
        if (!says("unknown escape character")) return std::nullopt;
        const auto backslash = line(place_.line).rfind('\\', place_.byte > 0 ? place_.byte - 1 : 0);
        return YamlMistake{
            {place_.line, backslash == std::string_view::npos ? place_.byte : backslash},
            "a backslash in \"…\" begins an escape, and there is none like this: write \\\\ for a backslash, or"
            " put the text in '…'"};
    }

    std::optional<YamlMistake> behind_quote() const {
        const auto& quoted = outline_.last_quoted;
        if (!quoted || quoted->end.line != place_.line || !only_blanks_between(quoted->end)) return std::nullopt;
        if (quoted->begin.line != quoted->end.line) {
            return YamlMistake{quoted->begin,
                               joined({"unclosed quote that begins at ", in_line(quoted->begin), ": it goes on to the next ",
                                       sign(quoted->begin), ", in ", in_line(quoted->end)})};
        }
        if (says("illegal map value")) return second_colon();
        const auto key = line(place_.line).substr(0, quoted->begin.byte);
        if (at(place_) == ':' && key.find_first_not_of(" \t{,-") == key.npos) return no_space(place_);
        return YamlMistake{place_,
                           joined({"there is more behind the closing quote: put all of the text in quotes; within them ",
                                   quoted->quote == '"' ? "\\\" stands for \"" : "'' stands for '"})};
    }

    bool only_blanks_between(YamlPlace quote) const {
        const auto between = line(place_.line).substr(quote.byte + 1, place_.byte - std::min(place_.byte, quote.byte + 1));
        return std::all_of(between.begin(), between.end(), is_blank);
    }

    std::optional<YamlMistake> behind_bracket() const {
        const auto& closing = outline_.last_closing;
        if (!says("not found") || !closing || closing->line != place_.line || !only_blanks_between(*closing))
            return std::nullopt;
        const auto begin = *outline_.last_opening;
        return YamlMistake{begin, joined({"a text cannot begin with '", sign(begin), "': ", in_quotes(begin)})};
    }

    static YamlMistake no_space(YamlPlace colon) { return {colon, "a space is missing behind the ':'"}; }

    YamlMistake second_colon() const {
        return {place_, "': ' in the middle of a text: put the text in quotes, or write it below its key, behind '|'"};
    }

    std::optional<YamlMistake> map_value() const {
        if (!says("illegal map value")) return std::nullopt;
        const auto before = line(place_.line).substr(0, place_.byte);
        if (before.find(": ") != before.npos) return second_colon();
        const auto above = line_above();
        if (!above) return std::nullopt;
        const auto text = without_comment(line(*above));
        const auto begin = indentation_of(text);
        const auto colon = text.find(':', begin);
        const YamlPlace start{*above, begin};
        if (colon == text.npos) {
            return YamlMistake{
                start,
                "this line has no ':' behind a key, nor is it a text that goes on: indent it below its key, or write"
                " 'key: value'"};
        }
        const bool spaced = text.substr(colon).starts_with(": ") || colon + 1 == text.size();
        if (!spaced && text.find(": ", colon) == text.npos) return no_space({*above, colon});
        const YamlPlace key{place_.line, indentation_of(line(place_.line))};
        if (key.byte <= begin) return std::nullopt;
        return YamlMistake{
            key, joined({"bad indentation: it is deeper than ", in_line(start), ", whose key has its value already"})};
    }

    // A block ended where its parent goes on in no way that is possible.
    std::optional<YamlMistake> indentation() const {
        if (!says("not found")) return std::nullopt;
        const auto text = line(place_.line);
        const YamlPlace begin{place_.line, indentation_of(text)};
        if (outline_.block && outline_.block_end == place_.line) {
            return YamlMistake{begin, joined({"bad indentation: it is less than that of the text that begins below ",
                                              in_line({*outline_.block, 0}), ", and fits no key above it"})};
        }
        if (text.substr(begin.byte).starts_with("- ") || text.substr(begin.byte) == "-") {
            return YamlMistake{begin, "bad indentation: a list entry stands where a key is expected"};
        }
        return YamlMistake{begin, "bad indentation: no line above that this could go on with begins in this column"};
    }

    const Lines& lines_;
    const YamlPlace place_;
    const std::string_view complaint_;
    const YamlOutline outline_;
};

/// Bytes of the character that begins with this one; 0: none does.
std::size_t length_by(unsigned char first) noexcept {
    if (first < 0x80U) return 1;
    if (first >= 0xC2U && first < 0xE0U) return 2;
    if (first >= 0xE0U && first < 0xF0U) return 3;
    return first >= 0xF0U && first < 0xF5U ? 4 : 0;
}

}  // namespace

bool holds_secrets_at(const Lines& lines, std::size_t line) {
    for (auto number = std::min(line + 1, lines.size()); number-- > 0;) {
        const std::string_view text{lines[number]};
        if (text.empty() || is_blank(text.front()) || text.front() == '#') continue;
        return !text.starts_with("routes:") && !text.starts_with("tables:");
    }
    return true;
}

YamlMistake explain_yaml(const Lines& lines, YamlPlace place, std::string_view complaint) {
    return Explanation{lines, place, complaint}.run();
}

EncodingMistake wrong_encoding(std::string_view text) {
    if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE") ||
        (text.size() > 1 && (text[0] == '\0' || text[1] == '\0'))) {
        return {0, "the file is UTF-16: save it as UTF-8"};
    }
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '\0') return {at, "a NUL byte: the file is no text"};
        const auto length = length_by(static_cast<unsigned char>(text[at]));
        const auto rest = text.substr(at + 1, length == 0 ? 0 : length - 1);
        const bool whole = length > 0 && rest.size() == length - 1 && std::all_of(rest.begin(), rest.end(), [](char c) {
                               return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
                           });
        if (!whole) return {at, "a byte that is no UTF-8: save the file as UTF-8"};
        at += length;
    }
    return {};
}

}  // namespace sluice::config
