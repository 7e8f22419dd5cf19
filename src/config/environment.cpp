#include "config/environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace sluice::config {
namespace {

bool is_variable_name(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !name.empty() && letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void expand_scalar(Node& node, const Environment& environment, Mistakes& mistakes) {
    const std::string source = std::exchange(node.text, {});
    std::vector<Node::Part> parts;
    const auto copy = [&](std::size_t from, std::size_t length) {
        parts.push_back({node.text.size(), from, length});
        node.text += source.substr(from, length);
    };
    const auto fail = [&](std::string message) {
        mistakes.add(node.location, std::move(message));
        node.broken = true;
    };
    std::size_t at = 0;
    for (;;) {
        const auto open = source.find("${", at);
        copy(at, std::min(open, source.size()) - at);
        if (open == std::string::npos) break;
        node.expanded = true;
        if (open > at && source[open - 1] == '$') {  // `$${`: the first `$` is there already
            copy(open + 1, 1);
            at = open + 2;
            continue;
        }
        const auto close = source.find('}', open);
        const auto inner = close == std::string::npos ? std::string{} : source.substr(open + 2, close - open - 2);
        const auto dash = inner.find(":-");
        const auto name = inner.substr(0, dash);
        if (!is_variable_name(name)) {
            return fail("'${' must be followed by NAME} or NAME:-default}; write '$${' for the characters themselves");
        }
        auto value = environment(name);
        if (dash != std::string::npos && value.value_or("").empty()) {
            value = inner.substr(dash + 2);
        } else if (value) {
            node.hidden = true;
            if (node.variable.empty()) node.variable = name;
        }
        if (value) {
            parts.push_back({node.text.size(), open, 0});
            node.text += *value;
        } else {
            fail("the environment variable " + name + " is not set");
        }
        at = close + 1;
    }
    if (!node.expanded) return;
    node.source = source;
    node.parts = std::move(parts);
}

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): read once, before any thread starts
    return value ? std::optional<std::string>{value} : std::nullopt;
}

void expand_environment(Node& node, const Environment& environment, Mistakes& mistakes) {
    if (node.is(Node::Kind::scalar)) expand_scalar(node, environment, mistakes);
    for (auto& item : node.items) expand_environment(item, environment, mistakes);
    for (auto& member : node.members) expand_environment(member.value, environment, mistakes);
}

}  // namespace sluice::config
