#include "http/response_head.hpp"

#include <array>
#include <charconv>
#include <system_error>

namespace sluice::http {
namespace {

void append_number(std::string& out, std::size_t number) {
    std::array<char, 20> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    out.append(digits.data(), end);
}

}  // namespace

std::string_view HttpDate::at(std::time_t now) {
    if (now != second_) {
        second_ = now;
        std::tm parts{};
        ::gmtime_r(&now, &parts);
        static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        std::array<char, 32> rest;  // the names are written by hand: strftime's follow the locale
        const auto day = std::strftime(rest.data(), rest.size(), ", %d ", &parts);
        text_.assign(days[static_cast<std::size_t>(parts.tm_wday)]).append(rest.data(), day);
        const auto time = std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &parts);
        text_.append(months[static_cast<std::size_t>(parts.tm_mon)]).append(rest.data(), time);
    }
    return text_;
}

std::string_view append_head(std::string& out, const Response& response, const FixedHeaders& fixed, bool to_head,
                             Persistence persistence, std::string_view date) {
    out.append("HTTP/1.1 ");
    append_number(out, response.status);
    out.append(" ")
        .append(reason_phrase(response.status))
        .append("\r\nServer: sluice\r\nDate: ")
        .append(date)
        .append("\r\n");
    fixed.append_to(out, response.headers);
    out.append(response.headers.wire());
    const bool has_content = response.status >= 200 && response.status != 204 && response.status != 304;
    const auto body = response.body_view();
    if (has_content) {
        out.append("Content-Length: ");
        append_number(out, body.size());
        out.append("\r\n");
    }
    if (persistence == Persistence::close) out.append("Connection: close\r\n");
    if (persistence == Persistence::keep_alive) out.append("Connection: keep-alive\r\n");
    out.append("\r\n");
    return has_content && !to_head ? body : std::string_view{};
}

}  // namespace sluice::http
