// The patterns of a purge: fnmatch(3) without flags, in bounded time. Pure.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::policy {

/// Bytes. A longer pattern matches everything, as it cannot be judged in bounded time: dropping too much is safe.
inline constexpr std::size_t longest_glob = 1024;

/// `*` matches any bytes, `?` one byte, `[a-z]` and `[!a-z]` one byte of a set (with `[:alpha:]` and its like), `\` takes
/// the next byte literally; `/` and a leading `.` are not special. A `[` without its `]` is a literal.
class Glob {
public:
    explicit Glob(std::string_view pattern);

    /// Takes a step per byte of the text and 64 bytes of the pattern.
    bool matches(std::string_view text) const;

private:
    using Bytes = std::bitset<256>;

    /// Takes one byte or set off the pattern's front; false if nothing can match it.
    static bool take(std::string_view& pattern, Bytes& bytes);

    bool everything_ = false;
    bool nothing_ = false;
    std::size_t length_ = 0;                ///< bytes or sets, stars apart
    std::size_t words_ = 1;                 ///< for a bit per state: state i has matched the first i of them
    std::vector<std::uint64_t> advancing_;  ///< by byte: the states that it leads on from
    std::vector<std::uint64_t> staying_;    ///< the states that a star follows
};

/// For a pattern that is used once. Rejects by the bytes before the first special one where it can.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace sluice::policy
