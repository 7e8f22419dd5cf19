// What of YAML's quotes, brackets and blocks is open at a place, in a file that may be wrong. Pure.
#pragma once

#include "config/yaml_words.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

struct YamlOutline {
    struct Quoted {
        YamlPlace begin;
        YamlPlace end;  ///< of its closing quote
        char quote;
    };
    std::vector<YamlPlace> brackets;        ///< `[` and `{` that are not closed, the innermost last
    std::optional<YamlPlace> open_quote;    ///< the quote that the place is in
    std::optional<Quoted> last_quoted;      ///< the text in quotes that ended last
    std::optional<YamlPlace> last_opening;  ///< of the brackets that were closed last
    std::optional<YamlPlace> last_closing;  ///< the same
    std::optional<std::size_t> block;       ///< the line whose `|` or `>` begins the block that ended last, or goes on
    std::size_t block_end = 0;              ///< the line behind it
};

/// Reads up to `end`.
YamlOutline outline_of(const std::vector<std::string>& lines, YamlPlace end);

/// Whether the text whose quote stands there goes on to the end of the file; false: there is no quote.
bool is_unclosed_quote(const std::vector<std::string>& lines, YamlPlace quote);

/// Bytes of the spaces and tabs that a line begins with.
std::size_t indentation_of(std::string_view line) noexcept;

}  // namespace sluice::config
