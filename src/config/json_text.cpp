#include "config/json_text.hpp"

#include "config/section.hpp"
#include "json/decimal.hpp"

#include <nlohmann/json.hpp>

namespace sluice::config {
namespace {

std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string json_text(const Node& node, Mistakes& mistakes) {
    std::string text;
    for (const auto& item : node.items) text.append(text.empty() ? "" : ",").append(json_text(item, mistakes));
    for (const auto& [name, location, value] : node.members)
        text.append(text.empty() ? "" : ",").append(quoted(name)).append(":").append(json_text(value, mistakes));
    if (node.is(Node::Kind::sequence)) return "[" + text + "]";
    if (node.is(Node::Kind::mapping)) return "{" + text + "}";
    const auto type = node.is(Node::Kind::null) ? ScalarType::null : type_of(node);
    if (type == ScalarType::null) return "null";
    if (type == ScalarType::boolean) return node.text.front() == 't' || node.text.front() == 'T' ? "true" : "false";
    if (type == ScalarType::string) return quoted(node.text);
    if (json::is_json_number(node.text)) return node.text;
    mistakes.add(node.location, "JSON has no number " + describe(node));
    return "null";
}

}  // namespace sluice::config
