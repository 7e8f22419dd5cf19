// The tokens of JSON text (RFC 8259). Hides escapes and UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::json {

class JsonText {
public:
    explicit JsonText(std::string_view text) noexcept : text_{text} {}

    bool at_end() const noexcept { return at_ == text_.size(); }
    /// NUL at the end, which is no token either.
    char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }
    void skip(std::size_t count) noexcept { at_ += count; }
    void skip_space() noexcept;
    /// Whether it is what comes next; then it is behind us.
    bool take(char expected) noexcept;
    bool take(std::string_view expected) noexcept;
    /// As many characters as numbers are made of.
    std::string_view take_number() noexcept;
    /// The string that begins here, unescaped; false if it is none, or no UTF-8 (RFC 3629).
    bool read_string(std::string& value);

    std::size_t place() const noexcept { return at_; }
    std::string_view since(std::size_t place) const noexcept { return text_.substr(place, at_ - place); }

private:
    bool read_escape(std::string& value);
    bool read_unit(unsigned& unit) noexcept;

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace sluice::json
