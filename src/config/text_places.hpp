// Where the characters of a scalar stand in its file, however it is written there. Pure.
#pragma once

#include "config/document.hpp"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::config {

/// The visible characters of a scalar's text, as parts that stand side by side in a line. White space is not told of:
/// folding and indentation make other white space of it. What an environment variable stands for stands where its name
/// does.
std::vector<TextPlace> places_of(const Document& document, const Node& scalar);

/// Where byte `offset` of a text stands whose parts stand at these places; `start` if that is not known. What follows the
/// last visible character stands right behind it.
SourceLocation locate(const SourceLocation& start, std::span<const TextPlace> places, std::string_view text,
                      std::size_t offset);
/// Where byte `offset` of the scalar's text stands; the scalar's beginning if that is not known.
SourceLocation locate(const Document& document, const Node& scalar, std::size_t offset);

/// The byte of a line at which a column begins, and the column of a byte.
std::size_t byte_of(std::string_view line, int column) noexcept;
int column_of(std::string_view line, std::size_t byte) noexcept;

}  // namespace sluice::config
