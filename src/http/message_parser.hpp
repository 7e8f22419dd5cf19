// Parses messages whose heads scan_head has accepted: their fields, and their bodies piece by piece. Hides Beast.
#pragma once

#include "sluice/request.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

/// Where a body stands.
enum class BodyState {
    incomplete,  // more bytes are needed
    complete,    // the message ends with the last byte consumed
    too_large,   // it exceeds the limit
    malformed,   // its chunks cannot be parsed
};

class MessageParser {
public:
    MessageParser();
    ~MessageParser();
    MessageParser(const MessageParser&) = delete;
    MessageParser& operator=(const MessageParser&) = delete;

    /// Begins a message; `head` is all of its head. Appends its fields as views into it. False if Beast reads it
    /// differently.
    [[nodiscard]] bool start(std::string_view head, std::vector<HeaderField>& fields);

    BodyState state() const noexcept { return state_; }
    /// Bytes of the body seen so far, without framing.
    std::size_t body_size() const noexcept { return body_size_; }

    /// Reads on in the body and returns how many bytes of `bytes` belong to it; what is left over must be given again, with
    /// more behind it. Appends to `sink` if there is one. Trailer fields are dropped.
    std::size_t feed(std::string_view bytes, std::string* sink, std::size_t limit);

private:
    class Parser;
    std::unique_ptr<Parser> parser_;
    BodyState state_ = BodyState::complete;
    std::size_t body_size_ = 0;
};

}  // namespace sluice::http
