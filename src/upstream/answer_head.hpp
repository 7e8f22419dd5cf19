// The head of an answer, read strictly. Pure: whatever two readers could understand in two ways is no answer, so that no
// byte of one can ever be taken for a part of another (RFC 9112 sections 4 to 6 and 11.1).
#pragma once

#include "sluice/request.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::upstream {

/// Bytes of a head, with its empty line.
inline constexpr std::size_t max_head = 64 * 1024;

/// How the end of a body is found.
enum class Framing {
    none,         // there is no body
    length,       // after so many bytes
    chunked,      // after the last chunk
    until_close,  // when the connection is closed
};

struct AnswerHead {
    unsigned status = 0;
    std::vector<HeaderField> fields;  ///< all of them, views into the head
    Framing framing = Framing::none;
    std::size_t length = 0;                     ///< with Framing::length
    std::optional<std::size_t> content_length;  ///< as announced, whatever the framing
    bool keep_alive = false;                    ///< the connection may be used again once the body has ended
    std::optional<unsigned> idle_seconds;       ///< as long as the service says that it keeps the connection (`Keep-Alive`)
};

struct NotAnAnswer {
    std::string_view reason;  ///< a static text, the rest of a sentence
};

/// Looks for the end of a head, byte by byte as they come.
class HeadSearch {
public:
    /// The size of the head at the beginning of `bytes`, which are those of the call before with more behind them; 0: its
    /// end has not come yet.
    std::variant<std::size_t, NotAnAnswer> search(std::string_view bytes);

private:
    std::size_t line_ = 0;      // where the line begins that is looked at
    std::size_t searched_ = 0;  // no line feed before it
};

/// What a whole head says. `to_head`: it answers HEAD.
std::variant<AnswerHead, NotAnAnswer> read_head(std::string_view head, bool to_head);

}  // namespace sluice::upstream
