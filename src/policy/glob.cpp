#include "policy/glob.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace sluice::policy {
namespace {

constexpr std::size_t word_bits = 64;

unsigned char byte_of(char c) noexcept { return static_cast<unsigned char>(c); }

using Test = int (*)(int);

/// Of a POSIX class such as `alpha`; null if there is no such class.
Test test_of(std::string_view name) noexcept {
    constexpr std::array<std::pair<std::string_view, Test>, 12> tests{{{"alnum", std::isalnum},
                                                                       {"alpha", std::isalpha},
                                                                       {"blank", std::isblank},
                                                                       {"cntrl", std::iscntrl},
                                                                       {"digit", std::isdigit},
                                                                       {"graph", std::isgraph},
                                                                       {"lower", std::islower},
                                                                       {"print", std::isprint},
                                                                       {"punct", std::ispunct},
                                                                       {"space", std::isspace},
                                                                       {"upper", std::isupper},
                                                                       {"xdigit", std::isxdigit}}};
    const auto* const found = std::find_if(tests.begin(), tests.end(), [&](const auto& test) { return test.first == name; });
    return found == tests.end() ? nullptr : found->second;
}

/// A bracket expression, read from behind its `[`.
class Set {
public:
    explicit Set(std::string_view rest) : rest_{rest} {}

    /// What it matches and how many bytes it takes; nothing if it has no end, so that the `[` is a literal.
    std::optional<std::pair<std::bitset<256>, std::size_t>> read() {
        if (rest_.find(']') == rest_.npos) return std::nullopt;
        const bool inverted = !rest_.empty() && (rest_[0] == '!' || rest_[0] == '^');
        if (inverted) ++at_;
        for (bool first = true; at_ < rest_.size(); first = false) {
            if (rest_[at_] == ']' && !first) return std::pair{inverted ? ~bytes_ : bytes_, at_ + 1};
            if (add_class()) continue;
            const auto low = element();
            if (!low) return std::nullopt;
            if (at_ + 1 < rest_.size() && rest_[at_] == '-' && rest_[at_ + 1] != ']') {
                ++at_;
                const auto high = element();
                if (!high) return std::nullopt;
                for (unsigned c = *low; c <= *high; ++c) bytes_.set(c);
            } else {
                bytes_.set(*low);
            }
        }
        return std::nullopt;
    }

private:
    /// `[:name:]`. A class that does not exist has no bytes.
    bool add_class() {
        if (!rest_.substr(at_).starts_with("[:")) return false;
        auto end = at_ + 2;  // never searched for beyond the name, as a pattern may hold many that have no end
        while (end < rest_.size() && rest_[end] >= 'a' && rest_[end] <= 'z') ++end;
        if (!rest_.substr(end).starts_with(":]")) return false;
        const auto name = rest_.substr(at_ + 2, end - at_ - 2);
        if (const auto test = test_of(name)) {
            for (unsigned c = 0; c < bytes_.size(); ++c) {
                if (c < 128 && test(static_cast<int>(c)) != 0) bytes_.set(c);
            }
        }
        at_ = end + 2;
        return true;
    }

    /// One byte: as it is, escaped, or as `[.x.]` or `[=x=]`.
    std::optional<unsigned char> element() {
        const auto rest = rest_.substr(at_);
        if (rest.empty()) return std::nullopt;
        constexpr std::size_t symbol = 5;
        if (rest.size() >= symbol && rest[0] == '[' && (rest[1] == '.' || rest[1] == '=') && rest[3] == rest[1] &&
            rest[4] == ']') {
            at_ += symbol;
            return byte_of(rest[2]);
        }
        const bool escaped = rest[0] == '\\';
        if (escaped && rest.size() == 1) return std::nullopt;
        at_ += escaped ? 2 : 1;
        return byte_of(rest[escaped ? 1 : 0]);
    }

    std::string_view rest_;
    std::size_t at_ = 0;
    std::bitset<256> bytes_;
};

}  // namespace

bool Glob::take(std::string_view& pattern, Bytes& bytes) {
    const char c = pattern.front();
    pattern.remove_prefix(1);
    if (c == '?') {
        bytes.set();
        return true;
    }
    if (c == '[') {
        if (const auto set = Set{pattern}.read()) {
            bytes = set->first;
            pattern.remove_prefix(set->second);
            return true;
        }
    }
    if (c == '\\') {
        if (pattern.empty()) return false;
        bytes.set(byte_of(pattern.front()));
        pattern.remove_prefix(1);
        return true;
    }
    bytes.set(byte_of(c));
    return true;
}

Glob::Glob(std::string_view pattern) {
    everything_ = pattern.size() > longest_glob || (!pattern.empty() && pattern.find_first_not_of('*') == pattern.npos);
    if (everything_) return;
    words_ = pattern.size() / word_bits + 1;  // at most a state for each byte, and the first
    advancing_.resize(256 * words_);
    staying_.resize(words_);
    while (!pattern.empty()) {
        const auto word = length_ / word_bits;
        const auto bit = std::uint64_t{1} << (length_ % word_bits);
        if (pattern.front() == '*') {
            staying_[word] |= bit;
            pattern.remove_prefix(1);
            continue;
        }
        Bytes bytes;
        if (!take(pattern, bytes)) {
            nothing_ = true;
            return;
        }
        for (std::size_t c = 0; c < bytes.size(); ++c) {
            if (bytes[c]) advancing_[c * words_ + word] |= bit;
        }
        ++length_;
    }
}

bool Glob::matches(std::string_view text) const {
    if (everything_) return true;
    if (nothing_) return false;
    constexpr std::size_t most_words = longest_glob / word_bits + 1;
    std::array<std::uint64_t, most_words> states{};
    states[0] = 1;
    for (const char c : text) {
        const auto* const advancing = advancing_.data() + byte_of(c) * words_;
        std::uint64_t carried = 0;
        std::uint64_t any = 0;
        for (std::size_t word = 0; word < words_; ++word) {
            const auto moving = states[word] & advancing[word];
            states[word] = (moving << 1) | carried | (states[word] & staying_[word]);
            carried = moving >> (word_bits - 1);
            any |= states[word];
        }
        if (any == 0) return false;
    }
    return (states[length_ / word_bits] >> (length_ % word_bits) & 1U) != 0;
}

bool glob_matches(std::string_view pattern, std::string_view text) {
    if (pattern.size() > longest_glob) return true;
    const auto head = std::min(pattern.find_first_of("*?[\\"), pattern.size());
    if (!text.starts_with(pattern.substr(0, head))) return false;
    if (head == pattern.size()) return text.size() == head;
    return Glob{pattern.substr(head)}.matches(text.substr(head));
}

}  // namespace sluice::policy
