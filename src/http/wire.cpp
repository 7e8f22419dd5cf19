#include "http/wire.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::http {
namespace {

constexpr std::size_t max_empty_lines = 2;  // before a request: some clients send one after a body
constexpr std::size_t max_fields = 200;     // a head full of tiny fields would cost far more memory than its bytes
constexpr std::size_t max_length_digits = 18;

enum : std::uint8_t {
    token_char = 1,   // RFC 9110 section 5.6.2
    value_char = 2,   // field values: HTAB, SP, VCHAR and obs-text
    target_char = 4,  // VCHAR without `#`; stricter checks come with percent-decoding
    host_char = 8,    // reg-name: unreserved, sub-delims and `%`
};

constexpr std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> classes{};
    const auto mark = [&](std::string_view chars, unsigned kind) {
        for (const char c : chars) {
            auto& entry = classes[static_cast<std::uint8_t>(c)];
            entry = static_cast<std::uint8_t>(entry | kind);
        }
    };
    for (unsigned c = 0x21; c < 0x7F; ++c) classes[c] = value_char | target_char;
    for (unsigned c = 0x80; c <= 0xFF; ++c) classes[c] = value_char;
    classes['\t'] = classes[' '] = value_char;
    classes['#'] = value_char;
    mark("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", token_char | host_char);
    mark("!#$%&'*+-.^_`|~", token_char);
    mark("-._~%!$&'()*+,;=", host_char);
    return classes;
}

constexpr auto classes = make_classes();

bool all(std::string_view text, std::uint8_t kind) noexcept {
    return std::all_of(text.begin(), text.end(), [=](char c) { return classes[static_cast<std::uint8_t>(c)] & kind; });
}

bool all_digits(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Calls `visit` for each element of a comma-separated list.
template <class Visit>
void each_element(std::string_view list, Visit visit) noexcept {
    for (;;) {
        const auto comma = std::min(list.find(','), list.size());
        visit(trimmed(list.substr(0, comma)));
        if (comma == list.size()) return;
        list.remove_prefix(comma + 1);
    }
}

/// `host [":" port]` without user information. An empty host is none.
bool is_authority(std::string_view text) noexcept {
    std::string_view port;
    if (!text.empty() && text.front() == '[') {
        const auto end = text.find(']');
        if (end == text.npos || end < 3) return false;
        const auto is_address_char = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
        };
        if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(end), is_address_char)) return false;
        port = text.substr(end + 1);
    } else {
        const auto colon = std::min(text.find(':'), text.size());
        if (colon == 0 || !all(text.substr(0, colon), host_char)) return false;
        port = text.substr(colon);
    }
    return port.empty() || (port.front() == ':' && port.size() <= 6 && all_digits(port.substr(1)));
}

using Verdict = std::optional<Refusal>;

class Scan {
public:
    Scan(std::string_view bytes, const HeadLimits& limits) noexcept : bytes_{bytes}, limits_{limits} {}

    HeadScan run() noexcept {
        for (std::size_t i = 0; i < max_empty_lines && bytes_.substr(at_, 2) == "\r\n"; ++i) at_ += 2;
        head_.begin = at_;
        bool first = true;
        for (;; first = false) {
            const auto newline = bytes_.find('\n', at_);
            if (std::min(newline, bytes_.size()) - head_.begin >= limits_.header) return too_long(first);
            if (newline == bytes_.npos) {
                if (first && target_too_long(bytes_.substr(at_))) return too_long(first);
                return Incomplete{};
            }
            if (newline == at_ || bytes_[newline - 1] != '\r') return Refusal{400, "A line does not end with CR LF."};
            const auto line = bytes_.substr(at_, newline - 1 - at_);
            at_ = newline + 1;
            if (line.empty() && !first) break;
            if (const auto refusal = first ? request_line(line) : field(line)) return *refusal;
        }
        head_.end = at_;
        if (const auto refusal = conclude()) return *refusal;
        return head_;
    }

private:
    bool target_too_long(std::string_view line) const noexcept {
        const auto space = line.find(' ');
        return space != line.npos && std::min(line.find(' ', space + 1), line.size()) - space - 1 > limits_.target;
    }

    Refusal too_long(bool in_request_line) const noexcept {
        if (in_request_line && bytes_.find(' ', head_.begin) != bytes_.npos) {
            return {414, "The request target is too long."};
        }
        return {431, "The request's header fields are too large."};
    }

    Verdict request_line(std::string_view line) noexcept {
        const auto method_end = std::min(line.find(' '), line.size());
        const auto method = line.substr(0, method_end);
        if (method.empty() || !all(method, token_char)) return Refusal{400, "The request line is malformed."};
        line.remove_prefix(std::min(method_end + 1, line.size()));
        const auto target_end = line.find(' ');
        if (std::min(target_end, line.size()) > limits_.target) return Refusal{414, "The request target is too long."};
        if (target_end == line.npos) return Refusal{400, "The request line is malformed."};
        head_.target = line.substr(0, target_end);
        if (const auto refusal = version(line.substr(target_end + 1))) return refusal;
        if (head_.target.empty() || !all(head_.target, target_char)) return Refusal{400, "The request target is malformed."};
        trace_ = method == "TRACE";
        const auto known = method_from(method);
        if (!known && !trace_) return Refusal{501, "The request method is not supported."};
        head_.method = known.value_or(Method::get);
        return target();
    }

    Verdict version(std::string_view text) noexcept {
        if (text == "HTTP/1.1") return std::nullopt;
        if (text == "HTTP/1.0") {
            head_.version = 10;
            return std::nullopt;
        }
        const bool well_formed = text.size() == 8 && text.starts_with("HTTP/") && all_digits(text.substr(5, 1)) &&
                                 text[6] == '.' && all_digits(text.substr(7, 1));
        if (!well_formed) return Refusal{400, "The request line is malformed."};
        return Refusal{505, "Only HTTP/1.1 and HTTP/1.0 are served here."};
    }

    Verdict target() noexcept {
        auto path = head_.target;
        if (path == "*") {
            head_.raw_path = path;
            if (head_.method == Method::options) return std::nullopt;
            return Refusal{400, "The target '*' is for OPTIONS only."};
        }
        if (path.front() != '/') {  // absolute-form, RFC 9112 section 3.2.2
            const auto colon = path.find("://");
            const auto scheme = path.substr(0, std::min(colon, path.size()));
            if (colon == path.npos || !(equal_ignoring_case(scheme, "http") || equal_ignoring_case(scheme, "https"))) {
                return Refusal{400, "The request target is malformed."};
            }
            path.remove_prefix(colon + 3);
            const auto authority_end = std::min(path.find_first_of("/?"), path.size());
            if (!is_authority(path.substr(0, authority_end))) return Refusal{400, "The request target is malformed."};
            path.remove_prefix(authority_end);
        }
        const auto question = std::min(path.find('?'), path.size());
        head_.raw_path = path.substr(0, question);
        head_.raw_query = path.substr(std::min(question + 1, path.size()));
        if (head_.raw_path.empty()) head_.raw_path = head_.method == Method::options && path.empty() ? "*" : "/";
        return std::nullopt;
    }

    Verdict field(std::string_view line) noexcept {
        if (line.front() == ' ' || line.front() == '\t') return Refusal{400, "A header field is folded over lines."};
        const auto colon = line.find(':');
        if (colon == line.npos || colon == 0 || !all(line.substr(0, colon), token_char)) {
            return Refusal{400, "A header field's name is malformed."};
        }
        const auto value = trimmed(line.substr(colon + 1));
        if (!all(value, value_char)) return Refusal{400, "A header field holds a control character."};
        if (++head_.field_count > max_fields) return Refusal{431, "The request has too many header fields."};

        const auto name = line.substr(0, colon);
        const auto is = [&](std::string_view known) { return equal_ignoring_case(name, known); };
        switch (name.size()) {
            case 4:
                if (is("Host")) return host(value);
                break;
            case 6:
                if (is("Expect")) expect(value);
                break;
            case 10:
                if (is("Connection")) connection(value);
                break;
            case 14:
                if (is("Content-Length")) return content_length(value);
                break;
            case 17:
                if (is("Transfer-Encoding")) return transfer_encoding(value);
                break;
            default:
                break;
        }
        return std::nullopt;
    }

    Verdict host(std::string_view value) noexcept {
        if (has_host_) return Refusal{400, "There is more than one Host."};
        has_host_ = true;
        // Empty is what a client sends whose target has no authority (RFC 9112 section 3.2).
        if (!value.empty() && !is_authority(value)) return Refusal{400, "The Host is malformed."};
        return std::nullopt;
    }

    void expect(std::string_view value) noexcept {
        if (head_.version < 11) return;  // RFC 9110 section 10.1.1
        (equal_ignoring_case(value, "100-continue") ? head_.expects_continue : unknown_expectation_) = true;
    }

    void connection(std::string_view value) noexcept {
        each_element(value, [this](std::string_view option) {
            if (equal_ignoring_case(option, "close")) says_close_ = true;
            if (equal_ignoring_case(option, "keep-alive")) says_keep_alive_ = true;
        });
    }

    Verdict content_length(std::string_view value) noexcept {
        if (head_.content_length) return Refusal{400, "There is more than one Content-Length."};
        if (value.empty() || value.size() > max_length_digits || !all_digits(value)) {
            return Refusal{400, "The Content-Length is malformed."};
        }
        std::size_t length = 0;
        for (const char c : value) length = length * 10 + static_cast<std::size_t>(c - '0');
        head_.content_length = length;
        return std::nullopt;
    }

    Verdict transfer_encoding(std::string_view value) noexcept {
        if (head_.version < 11) return Refusal{400, "Transfer-Encoding does not exist in HTTP/1.0."};
        if (head_.chunked) return Refusal{400, "There is more than one Transfer-Encoding."};
        if (equal_ignoring_case(value, "chunked")) {
            head_.chunked = true;
            return std::nullopt;
        }
        // A coding we do not know is 501 (RFC 9112 section 6.1). Chunked in front of another one is no end of the body that
        // anybody could know: 400 (section 6.3). Anything else is an attempt to be misread.
        bool malformed = false;
        bool unknown = false;
        bool ended = false;
        each_element(value, [&](std::string_view coding) {
            if (coding.empty() || !all(coding, token_char) || ended) malformed = true;
            (equal_ignoring_case(coding, "chunked") ? ended : unknown) = true;
        });
        if (malformed || !unknown) return Refusal{400, "The Transfer-Encoding is malformed."};
        return Refusal{501, "The only transfer coding supported is chunked."};
    }

    Verdict conclude() noexcept {
        if (!has_host_ && head_.version >= 11) return Refusal{400, "The Host is missing."};
        if (head_.chunked && head_.content_length) {
            return Refusal{400, "There is both a Content-Length and a Transfer-Encoding."};
        }
        if (trace_) {
            if (head_.chunked || head_.content_length) return Refusal{400, "A TRACE request must not have a body."};
            return Refusal{501, "The request method is not supported."};
        }
        if (unknown_expectation_) return Refusal{417, "The only expectation supported is 100-continue."};
        head_.keep_alive = !says_close_ && (head_.version >= 11 || says_keep_alive_);
        return std::nullopt;
    }

    std::string_view bytes_;
    const HeadLimits& limits_;
    std::size_t at_ = 0;
    Head head_;
    bool has_host_ = false;
    bool trace_ = false;
    bool says_close_ = false;
    bool says_keep_alive_ = false;
    bool unknown_expectation_ = false;
};

}  // namespace

HeadScan scan_head(std::string_view bytes, const HeadLimits& limits) noexcept { return Scan{bytes, limits}.run(); }

}  // namespace sluice::http
