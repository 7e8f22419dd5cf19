#include "sluice/response.hpp"

#include "sluice/request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <new>
#include <stdexcept>
#include <vector>

namespace sluice {
namespace {

/// Buffers of blocks that are gone, for the next ones of this thread.
struct Buffers {
    static constexpr std::size_t smallest = 512;
    static constexpr std::size_t largest = 8 * 1024;
    static constexpr std::size_t most = 16;

    ~Buffers() { gone = true; }
    std::vector<std::string> idle;
    static thread_local bool gone;  // of this thread, which ends: a block may outlive them
};
thread_local bool Buffers::gone = false;

Buffers& buffers() {
    thread_local Buffers mine;
    return mine;
}

/// Whether a byte is below 14, eight at a time: CR, LF and NUL are, and nothing else that fields usually hold.
bool has_low_byte(std::string_view text) noexcept {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    constexpr std::size_t width = sizeof ones;
    const auto low_of = [](const char* at) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, at, width);
        return (eight - ones * 14) & ~eight & (ones * 0x80);
    };
    std::uint64_t low = 0;
    if (text.size() < width) {
        for (const char c : text) low |= static_cast<unsigned char>(c) < 14;
        return low != 0;
    }
    for (std::size_t at = 0; at + width < text.size(); at += width) low |= low_of(text.data() + at);
    return (low | low_of(text.data() + text.size() - width)) != 0;  // the last ones, some of them for the second time
}

bool splits_lines(std::string_view text) noexcept {
    constexpr std::string_view breaks{"\r\n\0", 3};
    return has_low_byte(text) && text.find_first_of(breaks) != text.npos;
}

/// A name's bit. The factors are such that the fields of a cached answer have other bits than those that every answer gets.
std::uint64_t mark(std::string_view name) noexcept {
    if (name.empty()) return 0;
    const auto lower = [](char c) { return static_cast<std::size_t>(c | 0x20); };
    return std::uint64_t{1} << ((lower(name.front()) + 3 * name.size() + 5 * lower(name.back())) & 63);
}

/// Calls `visit(line, name, value)` for each field until it returns false.
template <class Visit>
void each_field(std::string_view wire, Visit visit) {
    while (!wire.empty()) {
        const auto end = wire.find("\r\n");
        const auto line = wire.substr(0, end + 2);
        const auto colon = line.find(':');
        if (!visit(line, line.substr(0, colon), line.substr(colon + 2, end - colon - 2))) return;
        wire.remove_prefix(line.size());
    }
}

/// Whether a comma-separated list of tokens holds one.
bool list_holds(std::string_view list, std::string_view element) {
    for (;;) {
        const auto comma = list.find(',');
        if (equal_ignoring_case(trimmed(list.substr(0, comma)), element)) return true;
        if (comma == list.npos) return false;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace

void HeaderBlock::add(std::string_view name, std::string_view value) {
    if (wire_.empty()) get_buffer();
    const auto begin = wire_.size();
    wire_.resize(begin + name.size() + value.size() + 4);
    auto* out = std::copy(name.begin(), name.end(), wire_.data() + begin);
    *out++ = ':';
    *out++ = ' ';
    out = std::copy(value.begin(), value.end(), out);
    *out++ = '\r';
    *out = '\n';
    const auto line = std::string_view{wire_}.substr(begin, wire_.size() - begin - 2);
    if (name.empty() || splits_lines(line) || line.find(':') != name.size()) {
        wire_.resize(begin);
        throw std::invalid_argument{"a header field must not hold CR, LF or NUL"};
    }
    names_ |= mark(name);
}

void HeaderBlock::add(std::string_view name, std::uint64_t value) {
    std::array<char, 20> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    add(name, std::string_view{digits.data(), end});
}

void HeaderBlock::append(const HeaderBlock& others) {
    get_buffer();
    wire_.append(others.wire_);
    names_ |= others.names_;
}

void HeaderBlock::get_buffer() {
    if (wire_.capacity() >= Buffers::smallest || !wire_.empty() || Buffers::gone) return;
    auto& idle = buffers().idle;
    if (idle.empty()) return wire_.reserve(Buffers::smallest);
    wire_.swap(idle.back());
    idle.pop_back();
}

void HeaderBlock::give_back() noexcept {
    if (wire_.capacity() < Buffers::smallest || wire_.capacity() > Buffers::largest || Buffers::gone) return;
    auto& idle = buffers().idle;
    if (idle.size() == Buffers::most) return;
    try {
        idle.reserve(Buffers::most);
        wire_.clear();
        idle.push_back(std::move(wire_));
    } catch (const std::bad_alloc&) {
        // Then there is one less.
    }
}

void HeaderBlock::set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
}

void HeaderBlock::remove(std::string_view name) {
    if (!find(name)) return;
    std::string kept;
    each_field(wire_, [&](std::string_view line, std::string_view field, std::string_view) {
        if (!equal_ignoring_case(field, name)) kept.append(line);
        return true;
    });
    wire_ = std::move(kept);
}

std::optional<std::string_view> HeaderBlock::find(std::string_view name) const noexcept {
    if ((names_ & mark(name)) == 0) return std::nullopt;
    // Without each_field: on the way of every answer, most lines are told apart by where their colon is.
    for (std::string_view rest{wire_}; !rest.empty();) {
        const auto end = rest.find('\n');
        if (rest.size() > name.size() && rest[name.size()] == ':' &&
            equal_ignoring_case(rest.substr(0, name.size()), name)) {
            return rest.substr(name.size() + 2, end - name.size() - 3);
        }
        rest.remove_prefix(end + 1);
    }
    return std::nullopt;
}

void HeaderBlock::add_to_list(std::string_view name, std::string_view element) {
    if (!find(name)) return add(name, element);
    std::string list;
    bool present = false;
    each_field(wire_, [&](std::string_view, std::string_view field, std::string_view value) {
        if (!equal_ignoring_case(field, name)) return true;
        present = present || list_holds(value, element);
        list.append(list.empty() ? "" : ", ").append(value);
        return true;
    });
    if (!present) set(name, list.append(list.empty() ? "" : ", ").append(element));
}

Response Response::json(unsigned status, std::string bytes) {
    Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body = std::move(bytes);
    return response;
}

Response Response::text(unsigned status, std::string text) {
    Response response;
    response.status = status;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = std::move(text);
    return response;
}

Response Response::empty(unsigned status) {
    Response response;
    response.status = status;
    return response;
}

std::string_view reason_phrase(unsigned status) noexcept {
    switch (status) {
        case 100:
            return "Continue";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Content";
        case 428:
            return "Precondition Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Unknown";
    }
}

}  // namespace sluice
