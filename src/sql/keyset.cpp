#include "sql/keyset.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace sluice::sql {
namespace {

std::string parameter(std::size_t k) { return '$' + std::to_string(k); }

std::string_view comparison(const SortColumn& column) { return column.descending ? " < " : " > "; }

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const auto part : parts) text += part;
    return text;
}

/// `a, b, c`, made of each column from `begin` to `end`.
template <class Make>
std::string listed(std::size_t begin, std::size_t end, Make make) {
    std::string text;
    for (auto i = begin; i < end; ++i) {
        if (i > begin) text += ", ";
        text += make(i);
    }
    return text;
}

}  // namespace

std::span<const PageStep> page_steps(std::span<const SortColumn> by) noexcept {
    static constexpr std::array steps{PageStep::first, PageStep::behind, PageStep::behind_nulls};
    return std::span{steps}.first(by.empty() ? 1 : steps.size());
}

PageStep step_to(const std::optional<PagePosition>& page) noexcept {
    if (!page || page->after.empty()) return PageStep::first;
    const bool known = std::all_of(page->after.begin(), page->after.end(), [](const auto& value) { return value; });
    return known ? PageStep::behind : PageStep::behind_nulls;
}

std::string quoted_identifier(std::string_view name) {
    std::string quoted{'"'};
    for (const char c : name) {
        if (c == '"') quoted += c;
        quoted += c;
    }
    return quoted += '"';
}

std::string order_of(std::span<const SortColumn> by) {
    return listed(0, by.size(),
                  [&](std::size_t i) { return quoted_identifier(by[i].name) + (by[i].descending ? " desc" : ""); });
}

// Columns of one direction in a row are compared as a row. What that misses are nulls where they sort last: those ranges
// follow by themselves.
std::vector<std::string> ranges_behind(std::span<const SortColumn> by, std::size_t first) {
    const auto name = [&](std::size_t i) { return quoted_identifier(by[i].name); };
    const auto value = [&](std::size_t i) { return parameter(first + i); };
    std::vector<std::string> ranges;
    std::string equal;  // the columns before
    for (std::size_t begin = 0; begin < by.size();) {
        auto end = begin + 1;
        while (end < by.size() && by[end].descending == by[begin].descending) ++end;
        const bool single = end == begin + 1;
        const std::string_view open = single ? "" : "(";
        const std::string_view close = single ? "" : ")";
        ranges.push_back(joined(
            {equal, open, listed(begin, end, name), close, comparison(by[begin]), open, listed(begin, end, value), close}));
        for (; begin < end; ++begin) {
            if (!by[begin].descending) ranges.push_back(joined({equal, name(begin), " is null"}));
            equal += joined({name(begin), " = ", value(begin), " and "});
        }
    }
    return ranges;
}

std::string condition_behind(std::span<const SortColumn> by, std::size_t first) {
    std::string condition;
    for (auto i = by.size(); i-- > 0;) {
        const auto name = quoted_identifier(by[i].name);
        const auto value = parameter(first + i);
        // First of all a comparison with the column: from it PostgreSQL infers the parameter's type.
        auto behind = joined({name, comparison(by[i]), value});
        behind += by[i].descending ? joined({" or (", name, " is not null and ", value, " is null)"})
                                   : joined({" or (", name, " is null and ", value, " is not null)"});
        if (!condition.empty()) {
            behind += joined({" or (", name, " is not distinct from ", value, " and (", condition, "))"});
        }
        condition = std::move(behind);
    }
    return condition;
}

std::string key_of(std::span<const SortColumn> by) {
    return "json_build_array(" +
           listed(0, by.size(), [&](std::size_t i) { return quoted_identifier(by[i].name) + "::text"; }) + ")";
}

}  // namespace sluice::sql
