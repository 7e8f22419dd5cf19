#include "admin/purge_handler.hpp"

#include "json/exact_json.hpp"
#include "policy/glob.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <string>

namespace sluice::admin {
namespace {

constexpr std::size_t body_limit = 64 * 1024;

bool same_secret(std::string_view a, std::string_view b) {
    // Digests have one length, so that the comparison tells nothing about the secret's.
    std::array<unsigned char, SHA256_DIGEST_LENGTH> x{};
    std::array<unsigned char, SHA256_DIGEST_LENGTH> y{};
    SHA256(reinterpret_cast<const unsigned char*>(a.data()), a.size(), x.data());
    SHA256(reinterpret_cast<const unsigned char*>(b.data()), b.size(), y.data());
    return CRYPTO_memcmp(x.data(), y.data(), x.size()) == 0;
}

std::optional<Purge> parse_purge(std::string_view bytes) {
    const auto read = json::read_exactly(bytes);
    const auto* json = std::get_if<json::ExactJson>(&read);
    if (!json || !json->root.is_object() || json->root.size() != 1) return std::nullopt;
    const auto member = json->root.begin();
    const auto& name = member.key();
    const auto& value = member.value();
    if (name == "all" && value == true) return Purge{Purge::Kind::all, {}};
    if ((name != "tag" && name != "pattern") || !value.is_string() || value.get_ref<const std::string&>().empty()) {
        return std::nullopt;
    }
    return Purge{name == "tag" ? Purge::Kind::tag : Purge::Kind::pattern, value.get<std::string>()};
}

/// What PostgreSQL would not store, or what would be read otherwise than it was meant; nothing if the name is good.
std::optional<std::string> complaint(const Purge& purge) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(purge.name.begin(), purge.name.end(), is_control)) return "must not contain control characters";
    if (purge.kind == Purge::Kind::pattern && purge.name.size() > policy::longest_glob)
        return "must have at most " + std::to_string(policy::longest_glob) + " bytes";
    return std::nullopt;
}

const char* word(Purge::Kind kind) noexcept {
    switch (kind) {
        case Purge::Kind::tag:
            return "tag";
        case Purge::Kind::pattern:
            return "pattern";
        case Purge::Kind::all:
            break;
    }
    return "all";
}

awaitable<Response> handle_purge(const PurgeFunction& purge, Exchange& exchange) {
    const auto bytes = co_await exchange.body(body_limit);
    const auto wanted = parse_purge(bytes);
    if (!wanted) {
        co_return to_response(Problem::of(400, R"(The body must be {"tag": "…"}, {"pattern": "…"} or {"all": true}.)"),
                              exchange.request_id);
    }
    const auto* const kind = word(wanted->kind);
    if (auto wrong = complaint(*wanted)) {
        Problem problem = Problem::of(422, "This cannot be purged.");
        problem.errors.push_back({"body", std::string{"/"} + kind, std::move(*wrong)});
        co_return to_response(problem, exchange.request_id);
    }
    const bool recorded = co_await purge(exchange.executor, *wanted, exchange.deadline);
    log::info("purge", {{"kind", kind}, {"name", wanted->name}, {"recorded", recorded}, {"from", exchange.client_address}});
    if (!recorded) {
        Problem problem = Problem::of(
            503,
            "The purge could not be recorded, as the primary does not answer: instances that Redis does not reach "
            "may still serve it. Purge again.");
        problem.retry_after = std::chrono::seconds{1};
        co_return to_response(problem, exchange.request_id);
    }
    co_return Response::empty(204);
}

}  // namespace

Handler purge_handler(PurgeFunction purge) {
    return [purge = std::move(purge)](Exchange& exchange) { return handle_purge(purge, exchange); };
}

Handler guarded(std::string token, Handler handler, BodyUse body) {
    return [token = std::move(token), handler = std::move(handler), body](Exchange& exchange) -> awaitable<Response> {
        if (token.empty()) {
            co_return to_response(Problem::of(404, "The admin API is off: server.admin_token is not set."),
                                  exchange.request_id);
        }
        constexpr std::string_view scheme = "Bearer ";
        const auto credentials = exchange.request.header("Authorization").value_or("");
        const bool bearer =
            credentials.size() > scheme.size() && equal_ignoring_case(credentials.substr(0, scheme.size()), scheme);
        const bool one = exchange.request.header_count("Authorization") == 1;
        if (!one || !bearer || !same_secret(credentials.substr(scheme.size()), token)) {
            log::warning("admin_request_refused", {{"from", exchange.client_address}, {"path", exchange.route->pattern}});
            Response response = to_response(Problem::of(401, "The admin token is missing or wrong."), exchange.request_id);
            response.headers.add("WWW-Authenticate", "Bearer");
            co_return response;
        }
        if (body == BodyUse::none && exchange.has_body()) co_await exchange.skip_body(body_limit);
        co_return co_await handler(exchange);
    };
}

}  // namespace sluice::admin
