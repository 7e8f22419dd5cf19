// The columns of a statement's answer, and where its text says what they are called. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sql {

/// Why rows that become JSON objects cannot be read by name.
struct ColumnMistake {
    std::string message;
    std::optional<std::size_t> offset;  ///< byte in the statement of the column's expression, if that can be told
};

/// An object's members need names, each its own: columns that have no name but `?column?`, and those that are called as one
/// before them. `names` are those that PostgreSQL tells, in their order.
std::vector<ColumnMistake> column_mistakes(std::string_view sql, std::span<const std::string> names);

/// The bytes at which the items of the outermost select list or, of a statement that modifies, its returning list begin;
/// empty if there is none to be found, as in `values (1)`.
struct SelectItem {
    std::size_t offset;
    bool star;  ///< stands for as many columns as there are
};
std::vector<SelectItem> select_list(std::string_view sql);

}  // namespace sluice::sql
