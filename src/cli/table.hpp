// A table for people: columns as wide as their widest cell, none behind the last.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace sluice::cli {

/// The first row is the head.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

}  // namespace sluice::cli
