#include "config/window_limits.hpp"

#include <algorithm>
#include <string>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds longest_window = 31 * 24h;

WindowLimit read_whole(const Node& node, std::string_view name, Mistakes& mistakes) {
    WindowLimit limit;
    Section section{node, name, mistakes};
    section.require("requests", std::string{name} + " needs 'requests'");
    section.require("window", std::string{name} + " needs 'window'");
    read_window_limit(section, limit);
    section.finish();
    return limit;
}

}  // namespace

void read_window_limit(Section& section, WindowLimit& limit) {
    assign(limit.requests, section.count("requests", 1, 1'000'000'000));
    const auto window = section.duration("window", 1s);
    if (window && *window > longest_window) {
        section.fail(*section.find("window"), "'window' must be at most 31d");
    } else {
        assign(limit.window, window);
    }
}

std::vector<WindowLimit> read_window_limits(const Node& node, std::string_view name, Mistakes& mistakes) {
    if (!node.is(Node::Kind::sequence)) return {read_whole(node, name, mistakes)};
    std::vector<WindowLimit> limits;
    for (const auto& item : node.items) {
        const auto limit = read_whole(item, name, mistakes);
        const auto same = [&](const WindowLimit& other) { return other.window == limit.window; };
        if (std::any_of(limits.begin(), limits.end(), same)) {
            mistakes.add(item.location, std::string{name} + " has two limits with the same window");
        }
        limits.push_back(limit);
    }
    if (limits.empty()) mistakes.add(node.location, std::string{name} + " is an empty list");
    return limits;
}

}  // namespace sluice::config
