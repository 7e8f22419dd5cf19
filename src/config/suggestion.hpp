// "did you mean …?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// Edits (insert, delete, replace, swap of neighbours) that turn one text into the other: optimal string alignment distance.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// `, did you mean 'ttl'?` for the nearest candidate if it is near enough to be a slip of the pen, else nothing. Case does
/// not count. `prefix` is put before the candidate, e.g. `:`.
std::string suggestion(std::string_view wrong, const std::vector<std::string>& candidates, std::string_view prefix = "");

}  // namespace sluice::config
