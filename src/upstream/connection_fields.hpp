// The fields that are about one connection and never go further (RFC 9110 section 7.6.1).
#pragma once

#include "sluice/request.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::upstream {

/// Whether every connection has its own, whatever `Connection` says.
inline bool is_of_connection(std::string_view name) noexcept {
    using namespace std::string_view_literals;
    constexpr std::array names{"Connection"sv, "HTTP2-Settings"sv,   "Keep-Alive"sv,          "Proxy-Authenticate"sv,
                               "TE"sv,         "Trailer"sv,          "Proxy-Authorization"sv, "Proxy-Connection"sv,
                               "Upgrade"sv,    "Transfer-Encoding"sv};
    return std::any_of(names.begin(), names.end(), [&](auto one) { return equal_ignoring_case(one, name); });
}

/// Calls `take` with each element of a list (RFC 9110 section 5.6.1).
template <class Take>
void for_each_element(std::string_view list, Take take) {
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        if (const auto element = trimmed(list.substr(0, comma)); !element.empty()) take(element);
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
}

/// The names that the fields named `Connection` list. Views into them.
template <class Fields>
std::vector<std::string_view> names_in_connection(const Fields& fields) {
    std::vector<std::string_view> names;
    for (const auto& [name, value] : fields) {
        if (equal_ignoring_case(name, "Connection"))
            for_each_element(value, [&](std::string_view element) { names.push_back(element); });
    }
    return names;
}

}  // namespace sluice::upstream
