#include "config/section.hpp"

#include "config/hidden_values.hpp"
#include "config/suggestion.hpp"
#include "runtime/duration.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::config {
namespace {

std::string in_quotes(std::string_view key) { return "'" + std::string{key} + "'"; }

std::string describe_duration(std::chrono::milliseconds duration) {
    return duration.count() % 1'000 == 0 ? std::to_string(duration.count() / 1'000) + "s"
                                         : std::to_string(duration.count()) + "ms";
}

/// `level:info` is a text.
bool is_key_without_space(const Node& node) {
    if (!node.is(Node::Kind::scalar) || !node.plain) return false;
    const auto colon = node.text.find(':');
    const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    return colon != node.text.npos && colon > 0 && colon + 1 < node.text.size() && node.text[colon + 1] != '/' &&
           std::all_of(node.text.begin(), node.text.begin() + static_cast<std::ptrdiff_t>(colon), is_word);
}

/// Of a long list nobody reads more than the documentation has.
std::string known_keys(const std::vector<std::string>& keys) {
    constexpr std::size_t most = 8;
    if (keys.empty() || keys.size() > most) return {};
    std::string text = "; known here: ";
    for (std::size_t i = 0; i < keys.size(); ++i) text += (i == 0 ? "" : ", ") + in_quotes(keys[i]);
    return text;
}

}  // namespace

Section::Section(const Node& node, std::string_view name, Mistakes& mistakes) : node_{&node}, mistakes_{mistakes} {
    if (node.is(Node::Kind::mapping) || node.broken) return;
    mistakes.add(node.location, std::string{name} + " must be a mapping, not " + describe_kind(node) +
                                    (is_key_without_space(node) ? ": a space is missing behind its ':'" : ""));
}

const Member* Section::find_member(std::string_view key) {
    known_.emplace_back(key);
    for (const auto& member : node_->members) {
        if (member.name == key) return member.value.broken ? nullptr : &member;
    }
    return nullptr;
}

const Node* Section::find(std::string_view key) {
    const auto* member = find_member(key);
    return member ? &member->value : nullptr;
}

const Node* Section::scalar(std::string_view key, std::string_view expected) {
    const auto* node = find(key);
    if (!node || node->is(Node::Kind::scalar)) return node;
    fail(*node, in_quotes(key) + " must be " + std::string{expected} + ", not " + describe(*node));
    return nullptr;
}

std::optional<std::string> Section::text(std::string_view key) {
    const auto* node = scalar(key, "a text");
    return node ? std::optional{node->text} : std::nullopt;
}

std::optional<bool> Section::flag(std::string_view key) {
    const auto* node = scalar(key, "true or false");
    if (!node) return std::nullopt;
    if (node->text == "true") return true;
    if (node->text == "false") return false;
    fail(*node, in_quotes(key) + " must be true or false, not " + describe(*node));
    return std::nullopt;
}

std::optional<std::uint64_t> Section::count(std::string_view key, std::uint64_t least, std::uint64_t most) {
    const auto expected = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    const auto* node = scalar(key, expected);
    if (!node) return std::nullopt;
    std::uint64_t value = 0;
    const auto* last = node->text.data() + node->text.size();
    const auto [end, error] = std::from_chars(node->text.data(), last, value);
    if (error == std::errc{} && end == last && value >= least && value <= most) return value;
    fail(*node, in_quotes(key) + " must be " + expected + ", not " + describe(*node));
    return std::nullopt;
}

std::optional<std::size_t> Section::size(std::string_view key, std::size_t least) {
    const auto* node = scalar(key, "a size such as 64KiB, 1MiB or 4096");
    if (!node) return std::nullopt;
    const auto value = runtime::parse_size(node->text);
    if (!value) {
        fail(*node, in_quotes(key) + " must be a size such as 64KiB, 1MiB or 4096, not " + describe(*node));
    } else if (*value < least) {
        fail(*node, in_quotes(key) + " must be at least " + std::to_string(least) + " bytes");
    } else {
        return value;
    }
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> Section::duration(std::string_view key, std::chrono::milliseconds least) {
    const auto* node = scalar(key, duration_form);
    if (!node) return std::nullopt;
    const auto value = runtime::parse_duration(node->text);
    if (!value) {
        fail(*node, in_quotes(key) + " must be " + std::string{duration_form} + ", not " + describe(*node));
    } else if (*value < least) {
        fail(*node, in_quotes(key) + " must be at least " + describe_duration(least));
    } else {
        return value;
    }
    return std::nullopt;
}

std::vector<const Node*> Section::list(std::string_view key) {
    const auto* node = find(key);
    if (!node) return {};
    std::vector<const Node*> items;
    if (!node->is(Node::Kind::sequence)) {
        const bool lonely = node->is(Node::Kind::scalar);
        fail(*node, in_quotes(key) + " must be a list, not " + describe_kind(*node) +
                        (lonely ? ": put it in brackets, '[…]'" : ""));
        return items;
    }
    for (const auto& item : node->items) {
        if (item.broken) continue;
        if (item.is(Node::Kind::scalar)) {
            items.push_back(&item);
        } else {
            fail(item, in_quotes(key) + " must hold texts, not " + describe(item));
        }
    }
    return items;
}

std::optional<std::size_t> Section::choose(std::string_view key, const std::vector<std::string>& words) {
    const auto* node = scalar(key, any_of_words(words));
    if (!node) return std::nullopt;
    const auto found = std::find(words.begin(), words.end(), node->text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    fail(*node, in_quotes(key) + " must be " + any_of_words(words) + ", not " + describe(*node));
    return std::nullopt;
}

void Section::finish(std::optional<SourceLocation> where) {
    std::vector<std::string> absent;  // a key that is there already is no likely meaning of another
    for (const auto& known : known_) {
        if (!has(known)) absent.push_back(known);
    }
    std::string suggested;
    for (const auto& member : node_->members) {
        if (std::find(known_.begin(), known_.end(), member.name) != known_.end()) continue;
        const auto hint = suggestion(member.name, absent);
        suggested += hint;
        mistakes_.add(member.location,
                      "unknown key " + quoted_key(member.name, node_->hidden) + (hint.empty() ? known_keys(absent) : hint));
    }
    if (!node_->is(Node::Kind::mapping)) return;  // reported as a whole
    for (const auto& [key, message] : required_) {
        if (has(key) || suggested.find(in_quotes(key)) != std::string::npos) continue;
        mistakes_.add(where.value_or(node_->location), message);
    }
}

std::string any_of_words(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
        text += in_quotes(words[i]);
    }
    return text;
}

}  // namespace sluice::config
