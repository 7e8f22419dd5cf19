// An HTTP response: status, header fields, and a body that may be shared with the cache.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// Header fields in wire format, so that a cached block is appended with one copy. A block's buffer goes to the next one of
/// its thread: making an answer's fields allocates nothing.
class HeaderBlock {
public:
    HeaderBlock() = default;
    ~HeaderBlock() { give_back(); }
    HeaderBlock(const HeaderBlock& other) = default;
    HeaderBlock(HeaderBlock&& other) noexcept
        : wire_{std::move(other.wire_)}, names_{std::exchange(other.names_, std::uint64_t{0})} {}
    HeaderBlock& operator=(const HeaderBlock& other) = default;
    HeaderBlock& operator=(HeaderBlock&& other) noexcept {
        wire_.swap(other.wire_);
        std::swap(names_, other.names_);
        return *this;
    }

    /// Appends a field. Throws std::invalid_argument if name or value holds CR, LF or NUL (response splitting).
    void add(std::string_view name, std::string_view value);
    void add(std::string_view name, const std::string& value) { add(name, std::string_view{value}); }
    void add(std::string_view name, const char* value) { add(name, std::string_view{value}); }
    void add(std::string_view name, std::uint64_t value);
    /// Appends all fields of another block, with one copy.
    void append(const HeaderBlock& others);
    /// Makes sure that a field which is a comma-separated list, such as `Vary`, has the element (RFC 9110 section 5.3).
    /// Elements compare without case. Throws as `add` does.
    void add_to_list(std::string_view name, std::string_view element);
    /// Replaces every field of that name by one.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    /// The first field of that name, or nothing.
    std::optional<std::string_view> find(std::string_view name) const noexcept;

    /// `Name: value\r\n` lines.
    const std::string& wire() const noexcept { return wire_; }
    void clear() noexcept {
        wire_.clear();
        names_ = 0;
    }

private:
    void get_buffer();
    void give_back() noexcept;

    std::string wire_;
    std::uint64_t names_ = 0;  // a Bloom filter over them: nearly always a field that is looked for is not there
};

struct Response {
    unsigned status = 200;
    HeaderBlock headers;                             ///< without Content-Length, Date, Connection: the session adds them
    std::string body;                                ///< owned bytes; ignored if `shared_body` is set
    std::shared_ptr<const std::string> shared_body;  ///< immutable bytes that others may be sending too
    bool close = false;                              ///< close the connection after this answer

    std::string_view body_view() const noexcept { return shared_body ? std::string_view{*shared_body} : body; }

    /// `application/json` with the given bytes.
    static Response json(unsigned status, std::string bytes);
    /// `text/plain; charset=utf-8`.
    static Response text(unsigned status, std::string text);
    /// No body at all, e.g. 204.
    static Response empty(unsigned status);
};

/// The reason phrase of RFC 9110, or "Unknown".
std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace sluice
