#include "config/document.hpp"

#include "json/decimal.hpp"

#include <algorithm>

namespace sluice::config {

const Node* Node::find(std::string_view name) const noexcept {
    const auto found = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.name == name; });
    return found == members.end() ? nullptr : &found->value;
}

ScalarType type_of(const Node& scalar) noexcept {
    if (scalar.is(Node::Kind::null)) return ScalarType::null;
    if (!scalar.plain) return ScalarType::string;
    const auto& text = scalar.text;
    if (text == "true" || text == "True" || text == "TRUE" || text == "false" || text == "False" || text == "FALSE") {
        return ScalarType::boolean;
    }
    if (json::is_json_integer(text)) return ScalarType::integer;
    if (json::is_json_number(text)) return ScalarType::number;
    return ScalarType::string;
}

std::string describe_kind(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null:
            return "nothing";
        case Node::Kind::sequence:
            return "a list";
        case Node::Kind::mapping:
            return "a mapping";
        case Node::Kind::scalar:
            break;
    }
    return "a text";
}

std::string describe(const Node& node) {
    if (!node.is(Node::Kind::scalar)) return describe_kind(node);
    if (!node.variable.empty()) return "the value of ${" + node.variable + "}";
    if (node.hidden) return "a text that is not shown";
    constexpr std::size_t longest = 60;
    return "'" + (node.text.size() <= longest ? node.text : node.text.substr(0, longest) + "…") + "'";
}

}  // namespace sluice::config
