// Keyset paging: the order of a page's rows, and the conditions by which it begins behind a given row. Pure.
// Hides where PostgreSQL sorts nulls, last ascending and first descending, and what that means for comparisons.
#pragma once

#include "sluice/ports/database.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sql {

/// Which text of a paged statement.
enum class PageStep {
    first,         // from the beginning; also every statement without pages
    behind,        // behind a row, none of whose sort columns is null
    behind_nulls,  // behind any row; slower, as no index bounds it
};

/// The steps that a statement with these sort columns has.
std::span<const PageStep> page_steps(std::span<const SortColumn> by) noexcept;

/// The step that leads to this page.
PageStep step_to(const std::optional<PagePosition>& page) noexcept;

/// `"name"`.
std::string quoted_identifier(std::string_view name);

/// `"a" desc, "b"`.
std::string order_of(std::span<const SortColumn> by);

/// The rows behind the one whose sort columns are `$first`, `$first+1`, …, none of them null, as conditions that exclude one
/// another. An index on the columns bounds each from both ends. The ranges of `(a desc, b)` are: a less; a equal and b
/// greater; a equal and b null.
std::vector<std::string> ranges_behind(std::span<const SortColumn> by, std::size_t first);

/// The same as one condition, and the columns may be null.
std::string condition_behind(std::span<const SortColumn> by, std::size_t first);

/// A JSON array of the columns' texts.
std::string key_of(std::span<const SortColumn> by);

}  // namespace sluice::sql
