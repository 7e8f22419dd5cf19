#include "upstream/answer_body.hpp"

#include <algorithm>

namespace sluice::upstream {
namespace {

constexpr std::size_t max_extension = 256;      // bytes a chunk; no server we know sends any
constexpr std::size_t max_trailers = 8 * 1024;  // bytes
constexpr unsigned max_digits = 15;             // so that no size overflows

int digit_of(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

AnswerBody::AnswerBody(Framing framing, std::size_t length) noexcept
    : framing_{framing}, left_{framing == Framing::length ? length : 0} {
    if (framing == Framing::none || (framing == Framing::length && length == 0)) state_ = State::complete;
}

AnswerBody::Piece AnswerBody::next(std::string_view bytes) noexcept {
    if (state_ != State::incomplete || bytes.empty()) return {};
    if (framing_ == Framing::until_close) return {bytes.size(), bytes};
    if (framing_ == Framing::chunked) return next_of_chunks(bytes);
    const auto size = std::min(bytes.size(), left_);
    left_ -= size;
    if (left_ == 0) state_ = State::complete;
    return {size, bytes.substr(0, size)};
}

void AnswerBody::close() noexcept {
    if (state_ == State::incomplete && framing_ == Framing::until_close) state_ = State::complete;
}

AnswerBody::Piece AnswerBody::next_of_chunks(std::string_view bytes) noexcept {
    std::size_t consumed = 0;
    while (consumed < bytes.size() && state_ == State::incomplete) {
        if (part_ == Part::data) {
            const auto size = std::min(bytes.size() - consumed, left_);
            const auto data = bytes.substr(consumed, size);
            left_ -= size;
            if (left_ == 0) part_ = Part::data_return;
            return {consumed + size, data};
        }
        if (!take(bytes[consumed])) {
            state_ = State::malformed;
            return {consumed, {}};
        }
        ++consumed;
    }
    return {consumed, {}};
}

// One byte of what stands between the chunks' data. False: it cannot stand there.
bool AnswerBody::take(char c) noexcept {
    switch (part_) {
        case Part::size:
            if (const auto digit = digit_of(c); digit >= 0) {
                left_ = left_ * 16 + static_cast<std::size_t>(digit);
                return ++digits_ <= max_digits;
            }
            line_bytes_ = 0;
            part_ = c == '\r' ? Part::size_end : Part::extension;
            return digits_ > 0 && (c == '\r' || c == ';' || c == ' ' || c == '\t');
        case Part::extension:
            if (c == '\r') part_ = Part::size_end;
            return c != '\n' && c != '\0' && ++line_bytes_ <= max_extension;
        case Part::size_end:
            part_ = left_ > 0 ? Part::data : Part::trailer;
            digits_ = 0;
            line_bytes_ = 0;
            line_empty_ = true;
            return c == '\n';
        case Part::data_return:
            part_ = Part::data_feed;
            return c == '\r';
        case Part::data_feed:
            part_ = Part::size;
            return c == '\n';
        case Part::trailer:
            if (c == '\r')
                part_ = Part::trailer_end;
            else
                line_empty_ = false;
            return c != '\n' && c != '\0' && ++line_bytes_ <= max_trailers;
        case Part::trailer_end:
            if (line_empty_) state_ = State::complete;
            part_ = Part::trailer;
            line_empty_ = true;
            return c == '\n';
        case Part::data:
            break;
    }
    return false;
}

}  // namespace sluice::upstream
