#include "endpoints/consistency.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::endpoints {
namespace {

// With more running transactions fewer are told, and a copy must have them: that costs misses.
constexpr std::size_t most_told = 16;
constexpr std::string_view version = "2:";

/// `2:history:lsn:xmax:xid,xid`.
std::string to_text(const HistoryPosition& position) {
    const auto& [xmax, running] = position.snapshot;
    std::string text{version};
    text.append(std::to_string(position.history)).append(1, ':').append(std::to_string(position.lsn)).append(1, ':');
    text.append(std::to_string(xmax));
    for (std::size_t i = 0; i < std::min(running.size(), most_told); ++i)
        text.append(1, i == 0 ? ':' : ',').append(std::to_string(running[i]));
    return text;
}

// It was signed here, so it is well formed; one of an older version is a position in no history that is known.
HistoryPosition from_text(std::string_view text) {
    HistoryPosition position;
    if (!text.starts_with(version)) return position;
    const char* at = text.data() + version.size();
    const char* const end = text.data() + text.size();
    const auto next = [&] {
        std::uint64_t value = 0;
        at = std::from_chars(at, end, value).ptr;
        if (at != end) ++at;  // a colon or a comma
        return value;
    };
    position.history = next();
    position.lsn = next();
    position.snapshot.xmax = next();
    while (at != end) position.snapshot.running.push_back(next());
    return position;
}

/// Calls `visit` with each value that the cookie has: a browser may hold several of one name, for other paths or domains.
/// RFC 6265 section 4.2.1: `a=1; b=2`.
template <class Visit>
void each_cookie(const Request& request, std::string_view name, Visit visit) {
    for (const auto& field : request.headers) {
        if (!equal_ignoring_case(field.name, "Cookie")) continue;
        for (auto cookies = field.value;;) {
            const auto semicolon = std::min(cookies.find(';'), cookies.size());
            const auto pair = trimmed(cookies.substr(0, semicolon));
            const auto equals = pair.find('=');
            if (equals != pair.npos && pair.substr(0, equals) == name) visit(pair.substr(equals + 1));
            if (semicolon == cookies.size()) break;
            cookies.remove_prefix(semicolon + 1);
        }
    }
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
    if (const auto token = exchange.request.header(field)) {
        if (const auto text = tokens_.open(*token)) return from_text(*text);
        return refusal(exchange, field);
    }
    if (mode_ != ConsistencyMode::cookie) return std::nullopt;
    std::size_t bad = 0;
    std::optional<HistoryPosition> newest;
    each_cookie(exchange.request, cookie, [&](std::string_view value) {
        const auto text = tokens_.open(value);
        if (!text) {
            ++bad;
            return;
        }
        auto position = from_text(*text);
        if (!newest || newest->lsn < position.lsn) newest = std::move(position);
    });
    // One alone goes with the answer. Of several, who knows which path or domain the bad one is of: it might stay for ever.
    if (newest || bad != 1) return newest;
    auto response = refusal(exchange, "Cookie");
    response.headers.add("Set-Cookie", set_cookie("", std::chrono::seconds{0}));
    return response;
}

Response Consistency::refusal(const Exchange& exchange, std::string_view where) {
    auto problem = Problem::of(400, "The consistency token is not one that this API has given out.");
    problem.errors.push_back({"header", std::string{where}, "holds a token that was not made here"});
    return to_response(problem, exchange.request_id);
}

// No script needs it. Lax: a request that another site's page starts has no write of this browser to see.
std::string Consistency::set_cookie(std::string_view value, std::chrono::seconds age) const {
    std::string text{cookie};
    text.append("=").append(value).append("; Max-Age=").append(std::to_string(age.count()));
    return text.append("; Path=/; HttpOnly; SameSite=Lax");
}

}  // namespace sluice::endpoints
