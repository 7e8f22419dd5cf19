// A short text put together from pieces, written over the last one: it allocates only until it has found its size.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::runtime {

class Line {
public:
    Line& start(std::string_view text = {}) {
        size_ = 0;
        return add(text);
    }
    Line& add(std::string_view text) {
        make_room(text.size());
        std::copy(text.begin(), text.end(), text_.data() + size_);
        size_ += text.size();
        return *this;
    }
    Line& add(std::integral auto number) {
        constexpr std::size_t longest = 20;
        make_room(longest);
        auto* const begin = text_.data() + size_;
        size_ += static_cast<std::size_t>(std::to_chars(begin, begin + longest, number).ptr - begin);
        return *this;
    }
    /// Valid until the next piece.
    std::string_view view() const noexcept { return {text_.data(), size_}; }

private:
    void make_room(std::size_t more) {
        if (size_ + more > text_.size()) text_.resize(2 * (size_ + more));
    }

    std::string text_;  // what of it is used is in front
    std::size_t size_ = 0;
};

}  // namespace sluice::runtime
