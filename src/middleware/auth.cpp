#include "middleware/auth.hpp"

#include "sluice/handler.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <chrono>
#include <optional>
#include <utility>
#include <variant>

namespace sluice::middleware {
namespace {

/// None, one, or something that cannot be one credential.
struct NoCredential {};
struct BadCredential {};
struct OneCredential {
    std::string_view text;
    bool bearer = false;  // by Authorization, where a token may stand
};
using Credential = std::variant<NoCredential, OneCredential, BadCredential>;

Credential credential_of(const Request& request) {
    const auto keys = request.header_count("X-API-Key");
    const auto authorizations = request.header_count("Authorization");
    if (keys + authorizations == 0) return NoCredential{};
    if (keys + authorizations > 1) return BadCredential{};
    if (keys == 1) return OneCredential{*request.header("X-API-Key")};
    constexpr std::string_view scheme = "Bearer ";
    const auto value = *request.header("Authorization");
    if (value.size() <= scheme.size() || !equal_ignoring_case(value.substr(0, scheme.size()), scheme))
        return BadCredential{};
    return OneCredential{value.substr(scheme.size()), true};
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

/// A client whose token may well be good must not throw it away, as it would on 401.
Response undecidable(const Exchange& exchange) {
    auto problem = Problem::of(503, "Tokens cannot be checked at the moment.");
    problem.retry_after = std::chrono::seconds{5};
    return to_response(problem, exchange.request_id);
}

void log_refusal(const Exchange& exchange, std::string_view reason) {
    if (!log::enabled(log::Level::debug)) return;
    log::debug("credential_refused", {{"request_id", exchange.request_id}, {"reason", reason}});
}

}  // namespace

std::optional<Auth::Refusal> Auth::identify(std::string_view credential, bool bearer, Identity& identity) const {
    const bool is_token = bearer && !tokens_.empty() && !credential.starts_with(auth::KeyCodec::prefix);
    return is_token ? identify_by_token(credential, identity) : identify_by_key(credential, identity);
}

std::optional<Auth::Refusal> Auth::identify_by_key(std::string_view key, Identity& identity) const {
    const auto now = clock_();
    const auto verified = keys_.verify(key, now);
    if (verified.has_error()) return Refusal{reason_of(verified.error())};
    const auto& data = **verified;
    const auto exception = exceptions_.find(data.id, now);
    if (exception.revoked) return Refusal{"the key is revoked"};
    identity.kind = Identity::Kind::api_key;
    identity.id = data.id;
    identity.tier = exception.tier ? *exception.tier : data.tier;
    identity.scopes = data.scopes;
    return std::nullopt;
}

boost::system::result<const Auth::Tokens*, auth::TokenError> Auth::issuer_of(std::string_view token) const {
    if (tokens_.size() == 1) return &tokens_.front();
    const auto issuer = auth::claimed_issuer(token);
    if (issuer.has_error()) return issuer.error();
    for (const auto& one : tokens_) {
        if (one.verifier.rules().issuer == *issuer) return &one;
    }
    return auth::TokenError::wrong_issuer;
}

std::optional<Auth::Refusal> Auth::identify_by_token(std::string_view token, Identity& identity) const {
    const auto issuer = issuer_of(token);
    if (issuer.has_error()) return Refusal{to_string(issuer.error())};
    const auto& tokens = **issuer;
    const auto verified = tokens.verifier.verify(token, clock_());
    if (verified.has_error()) {
        const auto error = verified.error();
        if (error == auth::TokenError::unknown_key && tokens.key_missing) tokens.key_missing();
        return Refusal{to_string(error), error == auth::TokenError::no_keys};
    }
    const auto& claims = **verified;
    identity.kind = Identity::Kind::token;
    identity.id = claims.subject;
    identity.issuer = claims.issuer;
    // An issuer knows tiers of its own; one that is none of ours grants nothing.
    identity.tier = claims.tier && tiers_.contains(*claims.tier) ? *claims.tier : tokens.default_tier;
    identity.scopes = claims.scopes;
    identity.claims = claims.json;
    return std::nullopt;
}

Step Auth::before(Exchange& exchange) {
    // Also of a client whose credential turns out to be none: it is counted by its address.
    if (const auto* tier = clients_.tier_at(exchange.client_address)) exchange.identity.tier = *tier;
    const auto credential = credential_of(exchange.request);
    if (std::holds_alternative<BadCredential>(credential)) {
        log_refusal(exchange, "it is not one credential");
        exchange.refusal = unauthorized(exchange, true);
        return Proceed{};
    }

    const auto& options = exchange.route->options;
    if (std::holds_alternative<NoCredential>(credential)) {
        if (options.auth == AuthMode::required) exchange.refusal = unauthorized(exchange, false);
        return Proceed{};
    }

    auto& identity = exchange.identity;
    const auto& presented = std::get<OneCredential>(credential);
    if (const auto refusal = identify(presented.text, presented.bearer, identity)) {
        log_refusal(exchange, refusal->reason);
        exchange.refusal = refusal->undecidable ? undecidable(exchange) : unauthorized(exchange, true);
        return Proceed{};
    }
    if (!tiers_.contains(identity.tier)) {
        // The key is genuine, only the configuration no longer knows its tier: say so instead of guessing a limit.
        log::warning("unknown_tier", {{"key", identity.id}, {"tier", identity.tier}});
        exchange.refusal = to_response(Problem::of(403, "This key's tier is not served here."), exchange.request_id);
        identity.tier = Identity{}.tier;  // whose limit is the least
        return Proceed{};
    }
    for (const auto& scope : options.scopes) {
        if (identity.has_scope(scope)) continue;
        Response response = to_response(Problem::of(403, "The scope '" + scope + "' is needed."), exchange.request_id);
        response.headers.add("WWW-Authenticate",
                             R"(Bearer realm="sluice", error="insufficient_scope", scope=")" + scope + '"');
        exchange.refusal = std::move(response);
        break;
    }
    return Proceed{};
}

}  // namespace sluice::middleware
