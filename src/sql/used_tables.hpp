// Which tables a statement names: what it may wait for together with others. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::sql {

/// The last part of each name that stands where a table does, folded as PostgreSQL folds it, in order and once. A guess by
/// words: a column in `extract(year from at)` is taken for a table, and what functions and views use is not seen. None if
/// the statement cannot be scanned.
std::vector<std::string> used_tables(std::string_view sql);

}  // namespace sluice::sql
