#include "upstream/answer_head.hpp"

#include "upstream/connection_fields.hpp"
#include "upstream/request_head.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::upstream {
namespace {

constexpr std::size_t most_fields = 512;

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number value = 0;
    if (!is_digits(text)) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
}

/// What is said about framing, field by field.
class Reader {
public:
    std::variant<AnswerHead, NotAnAnswer> read(std::string_view text, bool to_head) {
        auto line = next_line(text);
        if (!read_status(line)) return NotAnAnswer{"has no status line"};
        while (!(line = next_line(text)).empty()) {
            if (head_.fields.size() == most_fields) return NotAnAnswer{"has too many fields"};
            const auto colon = line.find(':');
            if (colon == line.npos || !is_token(line.substr(0, colon))) return NotAnAnswer{"has a line that is no field"};
            const HeaderField field{line.substr(0, colon), trimmed(line.substr(colon + 1))};
            if (!is_value(field.value)) return NotAnAnswer{"has a field with a control character"};
            head_.fields.push_back(field);
            if (const auto wrong = judge(field); !wrong.empty()) return NotAnAnswer{wrong};
        }
        if (const auto wrong = frame(to_head); !wrong.empty()) return NotAnAnswer{wrong};
        return std::move(head_);
    }

private:
    static std::string_view next_line(std::string_view& text) {
        const auto end = std::min(text.find("\r\n"), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 2, text.size()));
        return line;
    }

    // HTTP/1.1 200 OK; the reason may be empty, and its blank is often left out.
    bool read_status(std::string_view line) {
        if (!line.starts_with("HTTP/1.") || line.size() < 12) return false;
        version_ = line[7];
        const auto status = number_in<unsigned>(line.substr(9, 3));
        if ((version_ != '0' && version_ != '1') || line[8] != ' ' || !status || *status < 100 || *status > 599)
            return false;
        head_.status = *status;
        return (line.size() == 12 || line[12] == ' ') && is_value(line.substr(12));
    }

    std::string_view judge(const HeaderField& field) {
        if (equal_ignoring_case(field.name, "Content-Length")) {
            if (head_.content_length) return "has two lengths";
            head_.content_length = number_in<std::size_t>(field.value);
            if (!head_.content_length) return "has a length that is none";
        } else if (equal_ignoring_case(field.name, "Transfer-Encoding")) {
            if (chunked_) return "has two transfer codings";
            if (!equal_ignoring_case(field.value, "chunked")) return "has a transfer coding other than chunked";
            chunked_ = true;
        } else if (equal_ignoring_case(field.name, "Connection")) {
            for_each_element(field.value,
                             [this](auto element) { close_ = close_ || equal_ignoring_case(element, "close"); });
        } else if (equal_ignoring_case(field.name, "Keep-Alive")) {
            constexpr std::string_view timeout = "timeout=";
            for_each_element(field.value, [&](std::string_view element) {
                if (element.starts_with(timeout)) head_.idle_seconds = number_in<unsigned>(element.substr(timeout.size()));
            });
        }
        return {};
    }

    std::string_view frame(bool to_head) {
        if (chunked_ && head_.content_length) return "has a length and a transfer coding";
        if (chunked_ && version_ == '0') return "is HTTP/1.0 with a transfer coding";
        const bool interim = head_.status < 200;
        head_.keep_alive = version_ == '1' && !close_;
        if (interim || head_.status == 204) {
            // There is none, whatever is said; if something is said, bytes may follow that would be taken for an answer.
            head_.keep_alive = head_.keep_alive && !chunked_ && head_.content_length.value_or(0) == 0;
            if (interim && !head_.keep_alive && !close_) return "is an interim answer with a body";
        } else if (to_head || head_.status == 304) {
            // RFC 9110 section 8.6: the length is that of the answer to a GET.
        } else if (chunked_) {
            head_.framing = Framing::chunked;
        } else if (head_.content_length) {
            head_.framing = *head_.content_length > 0 ? Framing::length : Framing::none;
            head_.length = *head_.content_length;
        } else {
            head_.framing = Framing::until_close;
            head_.keep_alive = false;
        }
        return {};
    }

    AnswerHead head_;
    char version_ = '1';
    bool chunked_ = false;
    bool close_ = false;
};

}  // namespace

std::variant<std::size_t, NotAnAnswer> HeadSearch::search(std::string_view bytes) {
    constexpr std::string_view beginning = "HTTP/1.";
    const auto common = std::min(bytes.size(), beginning.size());
    if (bytes.substr(0, common) != beginning.substr(0, common)) return NotAnAnswer{"does not begin as HTTP/1"};
    for (;;) {
        const auto feed = bytes.find('\n', searched_);
        if (feed == bytes.npos) {
            searched_ = bytes.size();
            if (bytes.size() >= max_head) return NotAnAnswer{"has a head of more than 64 KiB"};
            return std::size_t{0};
        }
        if (feed >= max_head) return NotAnAnswer{"has a head of more than 64 KiB"};
        if (feed == 0 || bytes[feed - 1] != '\r') return NotAnAnswer{"has a line feed without a carriage return"};
        const bool empty = feed - line_ == 1;
        line_ = searched_ = feed + 1;
        if (empty) return feed + 1;
    }
}

std::variant<AnswerHead, NotAnAnswer> read_head(std::string_view head, bool to_head) { return Reader{}.read(head, to_head); }

}  // namespace sluice::upstream
