#include "endpoints/consistency.hpp"

#include <charconv>

namespace sluice::endpoints {
namespace {

std::string to_text(const HistoryPosition& position) {
    return std::to_string(position.xmax) + ':' + std::to_string(position.lsn);
}

// It was signed here, so it is well formed.
HistoryPosition from_text(std::string_view text) {
    HistoryPosition position;
    const auto* end = text.data() + text.size();
    const auto [colon, error] = std::from_chars(text.data(), end, position.xmax);
    if (error == std::errc{} && colon != end) std::from_chars(colon + 1, end, position.lsn);
    return position;
}

/// RFC 6265 section 4.2.1: `a=1; b=2`.
std::optional<std::string_view> cookie_value(std::string_view cookies, std::string_view name) {
    while (!cookies.empty()) {
        const auto semicolon = cookies.find(';');
        auto pair = cookies.substr(0, semicolon);
        while (pair.starts_with(' ')) pair.remove_prefix(1);
        const auto equals = pair.find('=');
        if (equals != pair.npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
        if (semicolon == cookies.npos) break;
        cookies.remove_prefix(semicolon + 1);
    }
    return std::nullopt;
}

}  // namespace

Consistency::Consistency(ConsistencyMode mode, std::chrono::seconds cookie_age, const std::vector<std::string>& secrets)
    : mode_{mode}, cookie_age_{cookie_age}, tokens_{"consistency", secrets} {}

void Consistency::add_to(Response& response, const HistoryPosition& position) const {
    const auto token = tokens_.sign(to_text(position));
    response.headers.add(field, token);
    if (mode_ == ConsistencyMode::cookie) response.headers.add("Set-Cookie", set_cookie(token, cookie_age_));
}

std::variant<std::optional<HistoryPosition>, Response> Consistency::read(const Exchange& exchange) const {
    std::optional<std::string_view> token = exchange.request.header(field);
    const bool from_cookie = !token && mode_ == ConsistencyMode::cookie;
    if (from_cookie) {
        if (const auto cookies = exchange.request.header("Cookie")) token = cookie_value(*cookies, cookie);
    }
    if (!token) return std::nullopt;
    if (const auto text = tokens_.open(*token)) return from_text(*text);
    auto problem = Problem::of(400, "The consistency token is not one that this API has given out.");
    problem.errors.push_back(
        {"header", std::string{from_cookie ? "Cookie" : field}, "holds a token that was not made here"});
    auto response = to_response(problem, exchange.request_id);
    if (from_cookie) response.headers.add("Set-Cookie", set_cookie("", std::chrono::seconds{0}));
    return response;
}

// No script needs it. Lax: a request that another site's page starts has no write of this browser to see.
std::string Consistency::set_cookie(std::string_view value, std::chrono::seconds age) const {
    std::string text{cookie};
    text.append("=").append(value).append("; Max-Age=").append(std::to_string(age.count()));
    return text.append("; Path=/; HttpOnly; SameSite=Lax");
}

}  // namespace sluice::endpoints
