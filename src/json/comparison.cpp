#include "json/comparison.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace sluice::json {
namespace {

std::strong_ordering compare_arrays(const Json& a, const Json& b, Findings& findings) {
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const auto order = compare(a[i], b[i], findings);
        if (order != std::strong_ordering::equal) return order;
    }
    return a.size() <=> b.size();
}

std::strong_ordering compare_objects(const Json& a, const Json& b, Findings& findings) {
    if (a.size() != b.size()) return a.size() <=> b.size();
    for (auto x = a.begin(), y = b.begin(); x != a.end(); ++x, ++y) {
        findings.count_comparison(std::min(x.key().size(), y.key().size()));
        const auto by_name = x.key() <=> y.key();
        if (by_name != std::strong_ordering::equal) return by_name;
        const auto order = compare(*x, *y, findings);
        if (order != std::strong_ordering::equal) return order;
    }
    return std::strong_ordering::equal;
}

std::strong_ordering compare_bytes(const Json& a, const Json& b, Findings& findings) {
    const auto& x = a.get_binary();
    const auto& y = b.get_binary();
    findings.count_comparison(std::min(x.size(), y.size()));
    return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
}

}  // namespace

std::strong_ordering compare(const Json& a, const Json& b, Findings& findings) {
    findings.count_comparison(0);
    if (a.type() != b.type()) return static_cast<int>(a.type()) <=> static_cast<int>(b.type());
    switch (a.type()) {
        case Json::value_t::array:
            return compare_arrays(a, b, findings);
        case Json::value_t::object:
            return compare_objects(a, b, findings);
        case Json::value_t::binary:
            return compare_bytes(a, b, findings);
        case Json::value_t::number_integer:
            return a.get<std::int64_t>() <=> b.get<std::int64_t>();
        case Json::value_t::boolean:
            return static_cast<int>(a.get<bool>()) <=> static_cast<int>(b.get<bool>());
        case Json::value_t::string: {
            const auto& x = a.get_ref<const std::string&>();
            const auto& y = b.get_ref<const std::string&>();
            findings.count_comparison(std::min(x.size(), y.size()));
            return x <=> y;
        }
        default:
            return std::strong_ordering::equal;  // null
    }
}

bool is_among(const std::vector<Json>& sorted, const Json& value, Findings& findings) {
    const auto less = [&](const Json& a, const Json& b) { return std::is_lt(compare(a, b, findings)); };
    return std::binary_search(sorted.begin(), sorted.end(), value, less);
}

bool are_unique(const Json& items, Findings& findings) {
    std::vector<const Json*> sorted;
    sorted.reserve(items.size());
    for (const auto& item : items) sorted.push_back(&item);
    const auto less = [&](const Json* a, const Json* b) { return std::is_lt(compare(*a, *b, findings)); };
    const auto same = [&](const Json* a, const Json* b) { return std::is_eq(compare(*a, *b, findings)); };
    std::sort(sorted.begin(), sorted.end(), less);
    return std::adjacent_find(sorted.begin(), sorted.end(), same) == sorted.end();
}

}  // namespace sluice::json
