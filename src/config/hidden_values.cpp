#include "config/hidden_values.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::config {
namespace {

using namespace std::string_view_literals;

/// Below these is nothing that a message may show, but for the values of the open keys.
constexpr std::array closed_sections{"postgres"sv, "redis"sv, "auth"sv};
constexpr std::array open_keys{"pool"sv,         "timeout"sv, "max_lag"sv,  "pooler"sv,     "weight"sv,
                               "prefix"sv,       "issuer"sv,  "audience"sv, "tier_claim"sv, "scope_claim"sv,
                               "default_tier"sv, "leeway"sv,  "refresh"sv};
/// `admin` stands beside the token and is easily taken for it.
constexpr std::array closed_server_keys{"admin_token"sv, "admin"sv};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool holds(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

bool looks_secret(std::string_view text) {
    const auto scheme = text.find("://");
    if (scheme != text.npos && holds(text.substr(scheme), "@")) return true;
    return holds(text, "password=") || holds(text, "slk_") || holds(text, "eyJ") || holds(text, "-----BEGIN ");
}

void hide_below(Node& node) {
    node.hidden = true;
    for (auto& item : node.items) hide_below(item);
    for (auto& [name, location, value] : node.members) {
        hide_below(value);
        if (value.is(Node::Kind::scalar) && is_one_of(open_keys, name)) value.hidden = !value.variable.empty();
    }
}

/// What is sent to a service may be what it knows us by.
void hide_headers(Node& service) {
    for (auto& member : service.members) {
        if (member.name == "headers") hide_below(member.value);
    }
}

void visit(Node& node, Mistakes& mistakes) {
    if (node.is(Node::Kind::scalar)) {
        node.hidden = node.hidden || looks_secret(node.text);
        if (node.hidden) mistakes.never_show(node.text);
    }
    for (auto& item : node.items) visit(item, mistakes);
    for (auto& member : node.members) visit(member.value, mistakes);
}

}  // namespace

bool holds_secrets(std::string_view top_level_key) noexcept { return is_one_of(closed_sections, top_level_key); }

std::string quoted_key(std::string_view name, bool among_secrets) {
    constexpr std::size_t longest_word = 32;
    const auto is_word_character = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    const bool is_word = name.size() <= longest_word && std::all_of(name.begin(), name.end(), is_word_character);
    const bool shown = is_word || (!among_secrets && !holds(name, ":") && !looks_secret(name));
    return shown ? "'" + std::string{name} + "'" : "that is not shown";
}

void hide_values(Node& root, Mistakes& mistakes) {
    for (auto& [name, location, value] : root.members) {
        if (is_one_of(closed_sections, name)) hide_below(value);
        if (name == "upstreams") {
            for (auto& service : value.members) hide_headers(service.value);
        }
        if (name != "server") continue;
        for (auto& member : value.members) {
            if (is_one_of(closed_server_keys, member.name)) hide_below(member.value);
        }
    }
    visit(root, mistakes);
}

}  // namespace sluice::config
