#include "middleware/auth.hpp"

#include "sluice/handler.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <optional>
#include <variant>

namespace sluice::middleware {
namespace {

/// None, one, or something that cannot be one credential.
struct NoCredential {};
struct BadCredential {};
using Credential = std::variant<NoCredential, std::string_view, BadCredential>;

Credential credential_of(const Request& request) {
    const auto keys = request.header_count("X-API-Key");
    const auto authorizations = request.header_count("Authorization");
    if (keys + authorizations == 0) return NoCredential{};
    if (keys + authorizations > 1) return BadCredential{};
    if (keys == 1) return *request.header("X-API-Key");
    constexpr std::string_view scheme = "Bearer ";
    const auto value = *request.header("Authorization");
    if (value.size() <= scheme.size() || !equal_ignoring_case(value.substr(0, scheme.size()), scheme))
        return BadCredential{};
    return value.substr(scheme.size());
}

/// In the same words whatever was wrong: a client that guesses learns nothing.
Response unauthorized(const Exchange& exchange, bool presented) {
    Response response =
        to_response(Problem::of(401, presented ? "The credentials are not valid."
                                               : "Credentials are needed: X-API-Key or Authorization: Bearer."),
                    exchange.request_id);
    // RFC 6750 section 3: no error code where no credential was presented.
    response.headers.add("WWW-Authenticate",
                         presented ? R"(Bearer realm="sluice", error="invalid_token")" : R"(Bearer realm="sluice")");
    return response;
}

}  // namespace

Step Auth::before(Exchange& exchange) {
    const auto credential = credential_of(exchange.request);
    if (std::holds_alternative<BadCredential>(credential)) return unauthorized(exchange, true);

    const auto& options = exchange.route->options;
    if (std::holds_alternative<NoCredential>(credential)) {
        if (options.auth == AuthMode::required) return unauthorized(exchange, false);
        return Proceed{};
    }

    auto verified = codec_.verify(std::get<std::string_view>(credential), clock_());
    if (verified.has_error()) return unauthorized(exchange, true);
    auto exception = exceptions_.find(verified->id);
    if (exception.revoked) return unauthorized(exchange, true);

    auto& identity = exchange.identity;
    identity.kind = Identity::Kind::api_key;
    identity.id = std::move(verified->id);
    identity.tier = exception.tier ? std::move(*exception.tier) : std::move(verified->tier);
    identity.scopes = std::move(verified->scopes);
    if (!tiers_.contains(identity.tier)) {
        // The key is genuine, only the configuration no longer knows its tier: say so instead of guessing a limit.
        log::warning("a key's tier is not configured", {{"key", identity.id}, {"tier", identity.tier}});
        return to_response(Problem::of(403, "This key's tier is not served here."), exchange.request_id);
    }
    for (const auto& scope : options.scopes) {
        if (identity.has_scope(scope)) continue;
        Response response = to_response(Problem::of(403, "The scope '" + scope + "' is needed."), exchange.request_id);
        response.headers.add("WWW-Authenticate",
                             R"(Bearer realm="sluice", error="insufficient_scope", scope=")" + scope + '"');
        return response;
    }
    return Proceed{};
}

}  // namespace sluice::middleware
