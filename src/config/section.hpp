// Reads a mapping's members as typed values and reports what does not fit. Whoever builds one asks for every key it knows,
// then calls `finish`, which reports the rest.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::config {

class Section {
public:
    /// `name` is what messages call the mapping. Anything but a mapping is reported and read as an empty one.
    Section(const Node& node, std::string_view name, Mistakes& mistakes);

    /// The member's value, or null if it is left out or broken. The key counts as known.
    const Node* find(std::string_view key);
    const Member* find_member(std::string_view key);

    std::optional<std::string> text(std::string_view key);
    std::optional<bool> flag(std::string_view key);
    std::optional<std::uint64_t> count(std::string_view key, std::uint64_t least,
                                       std::uint64_t most = std::numeric_limits<std::uint32_t>::max());
    std::optional<std::size_t> size(std::string_view key, std::size_t least = 1);
    std::optional<std::chrono::milliseconds> duration(std::string_view key, std::chrono::milliseconds least);
    /// The list's scalars. Items that are none are reported and left out.
    std::vector<const Node*> list(std::string_view key);

    /// One of a few words.
    template <class T>
    std::optional<T> choice(std::string_view key, const std::vector<std::pair<std::string, T>>& choices) {
        std::vector<std::string> words;
        words.reserve(choices.size());
        for (const auto& [word, value] : choices) words.push_back(word);
        const auto index = choose(key, words);
        return index ? std::optional{choices[*index].second} : std::nullopt;
    }

    /// Makes `finish` report the key if it is missing, with the message.
    void require(std::string_view key, std::string message) { required_.emplace_back(key, std::move(message)); }
    /// Reports every key that nobody asked for, and the required ones that are missing unless a misspelt one was meant.
    /// `where` is the place of the missing ones; default: the mapping's own.
    void finish(std::optional<SourceLocation> where = std::nullopt);

    void fail(const Node& node, std::string message) { mistakes_.add(node.location, std::move(message)); }
    bool has(std::string_view key) const noexcept { return node_->find(key) != nullptr; }
    const SourceLocation& location() const noexcept { return node_->location; }
    Mistakes& mistakes() noexcept { return mistakes_; }

private:
    const Node* scalar(std::string_view key, std::string_view expected);
    std::optional<std::size_t> choose(std::string_view key, const std::vector<std::string>& words);

    const Node* node_;
    Mistakes& mistakes_;
    std::vector<std::string> known_;
    std::vector<std::pair<std::string, std::string>> required_;  // key, message
};

/// Overwrites a default where the file says something.
template <class T, class U>
void assign(T& target, std::optional<U> value) {
    if (value) target = static_cast<T>(std::move(*value));
}

/// `'a', 'b' or 'c'`.
std::string any_of_words(const std::vector<std::string>& words);

/// How messages describe a duration that does not read.
inline constexpr std::string_view duration_form = "a duration such as 250ms, 5s, 2m, 1h or 7d";

}  // namespace sluice::config
