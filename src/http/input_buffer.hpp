// A connection's flat input buffer, reused from request to request. Bytes behind a pin never move, so that views into a
// request's head stay valid while its body is read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace sluice::http {

class InputBuffer {
public:
    explicit InputBuffer(std::size_t max_size) : max_size_{std::max(max_size, initial_size)} {}

    std::string_view unread() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t size) noexcept { begin_ += size; }

    /// Where to receive more; empty when the buffer is full of unread bytes.
    std::span<char> space() {
        if (begin_ == end_) begin_ = end_ = floor_;
        if (capacity_ - end_ < comfortable) move_unread_to(floor_);
        if (capacity_ - end_ < comfortable && floor_ == 0) grow();
        return {data_.get() + end_, capacity_ - end_};
    }
    void commit(std::size_t size) noexcept { end_ += size; }

    /// Makes sure that a body can be read behind the first `head` unread bytes. Moves them: views into them are lost.
    void make_room_behind(std::size_t head) {
        if (capacity_ - begin_ - head >= body_window) return;
        move_unread_to(0);
        while (capacity_ - head < body_window && capacity_ < max_size_) grow();
    }

    /// What was consumed stays where it is until `unpin`.
    void pin() noexcept { floor_ = begin_; }
    void unpin() noexcept { floor_ = 0; }

    /// Behind a pinned head there is at least this much space, if `max_size` leaves it.
    static constexpr std::size_t body_window = 4096;

private:
    static constexpr std::size_t initial_size = 2048;
    static constexpr std::size_t comfortable = 512;

    void move_unread_to(std::size_t place) noexcept {
        if (begin_ == place || capacity_ == 0) return;
        std::memmove(data_.get() + place, data_.get() + begin_, end_ - begin_);
        end_ -= begin_ - place;
        begin_ = place;
    }

    void grow() {
        const auto larger = std::min(std::max(initial_size, capacity_ * 2), max_size_);
        if (larger == capacity_) return;
        auto data = std::make_unique_for_overwrite<char[]>(larger);
        if (end_ > begin_) std::memcpy(data.get(), data_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        data_ = std::move(data);
        capacity_ = larger;
    }

    std::size_t max_size_;
    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;  // of the unread bytes
    std::size_t end_ = 0;
    std::size_t floor_ = 0;  // nothing below moves
};

}  // namespace sluice::http
