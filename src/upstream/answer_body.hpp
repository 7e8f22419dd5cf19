// Finds the bytes of a body among those of a connection, and its end. Pure.
#pragma once

#include "upstream/answer_head.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::upstream {

class AnswerBody {
public:
    enum class State {
        incomplete,  // more bytes are needed
        complete,    // it ends with the last byte consumed
        malformed,   // its chunks cannot be read
    };
    struct Piece {
        std::size_t consumed = 0;  ///< framing and all
        std::string_view data;     ///< the bytes of the body among them, if any
    };

    explicit AnswerBody(Framing framing, std::size_t length = 0) noexcept;

    /// The next bytes of the body, as far as they lie together in `bytes`; call it again with what was not consumed, until
    /// nothing is consumed. Trailer fields are dropped.
    Piece next(std::string_view bytes) noexcept;
    /// The connection was closed. It may be complete now.
    void close() noexcept;

    State state() const noexcept { return state_; }
    /// How many bytes are known to come still: of the body, or of the chunk.
    std::size_t announced() const noexcept { return left_; }

private:
    enum class Part { size, extension, size_end, data, data_return, data_feed, trailer, trailer_end };
    Piece next_of_chunks(std::string_view bytes) noexcept;
    bool take(char c) noexcept;

    Framing framing_;
    State state_ = State::incomplete;
    std::size_t left_ = 0;
    Part part_ = Part::size;
    unsigned digits_ = 0;         // of the chunk's size
    std::size_t line_bytes_ = 0;  // of an extension, or of all trailers
    bool line_empty_ = true;      // the trailer line so far
};

}  // namespace sluice::upstream
