// Regular expressions of the configuration. RE2: linear in the input, whatever the pattern, so no input can stall a loop.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace sluice::json {

class Pattern {
public:
    /// Throws std::invalid_argument with RE2's reason. JSON Schema's words: unanchored.
    explicit Pattern(const std::string& expression);
    ~Pattern();
    Pattern(Pattern&&) noexcept;
    Pattern& operator=(Pattern&&) noexcept;

    bool matches(std::string_view text) const;

    /// Of the compiled program: what a byte of text costs at worst, where usually it costs one step of an automaton.
    std::size_t instructions() const noexcept { return instructions_; }

private:
    std::unique_ptr<re2::RE2> expression_;
    std::size_t instructions_ = 0;
};

/// Whether the text has the format: date, time, date-time (RFC 3339), uuid (RFC 9562), email (one @ between two parts).
/// Throws std::invalid_argument for a format we do not know.
bool has_format(std::string_view format, std::string_view text);

}  // namespace sluice::json
