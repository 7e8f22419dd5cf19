// Why a text is no YAML, in the words of a person who reads the file. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// A place in the lines of a file: both from 0, in bytes.
struct YamlPlace {
    std::size_t line = 0;
    std::size_t byte = 0;
};

struct YamlMistake {
    YamlPlace place;
    std::string message;
};

/// What a parser that fails at `place` with its own `complaint` would have to say: what is wrong there, or where it began,
/// and what to write instead. What nothing here knows better is told as the parser says it.
YamlMistake explain_yaml(const std::vector<std::string>& lines, YamlPlace place, std::string_view complaint);

/// Whether a message may not repeat what stands in that line: it is not among the routes or the tables.
bool holds_secrets_at(const std::vector<std::string>& lines, std::size_t line);

/// Of a text that is no UTF-8, or holds NUL: the first byte that is wrong, and what to do. An empty message: there is none.
struct EncodingMistake {
    std::size_t byte = 0;
    std::string message;
};
EncodingMistake wrong_encoding(std::string_view text);

}  // namespace sluice::config
