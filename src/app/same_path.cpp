#include "app/same_path.hpp"

#include <algorithm>

namespace sluice::app {
namespace {

std::string shape_of(std::string_view pattern) {
    std::string shape;
    bool in_name = false;
    for (const char c : pattern) {
        if (c == '}') in_name = false;
        if (!in_name) shape += c;
        if (c == '{') in_name = true;
    }
    return shape;
}

}  // namespace

std::vector<std::string> names_in(std::string_view pattern) {
    std::vector<std::string> names;
    for (auto open = pattern.find('{'); open != pattern.npos; open = pattern.find('{', open + 1)) {
        names.emplace_back(pattern.substr(open + 1, pattern.find('}', open) - open - 1));
    }
    return names;
}

std::optional<std::size_t> find_reader(std::span<const RouteSettings> routes, const RouteSettings& route) {
    const auto shape = shape_of(route.pattern);
    const auto found = std::find_if(routes.begin(), routes.end(), [&](const RouteSettings& other) {
        return other.method == Method::get && shape_of(other.pattern) == shape;
    });
    if (found == routes.end()) return std::nullopt;
    return static_cast<std::size_t>(found - routes.begin());
}

}  // namespace sluice::app
