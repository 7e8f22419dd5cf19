#include "middleware/cors.hpp"

#include "sluice/handler.hpp"
#include "telemetry/log.hpp"

#include <stdexcept>
#include <vector>

namespace sluice::middleware {
namespace {

constexpr std::string_view allow_origin = "Access-Control-Allow-Origin";

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text.append(text.empty() ? "" : ", ").append(word);
    return text;
}

void add_unless_empty(HeaderBlock& headers, std::string_view name, const std::string& value) {
    if (!value.empty()) headers.add(name, value);
}

bool is_preflight(const Request& request) {
    return request.method == Method::options && request.header("Origin") && request.header("Access-Control-Request-Method");
}

}  // namespace

Cors::Cors(const CorsSettings& settings)
    : origins_{settings.origins}, methods_{joined(settings.methods)}, credentials_{settings.credentials} {
    if (credentials_ && origins_.any()) throw std::invalid_argument{"CORS with credentials needs a list of origins"};
    add_unless_empty(preflight_, "Access-Control-Allow-Headers", joined(settings.headers));
    preflight_.add("Access-Control-Max-Age", std::to_string(settings.max_age.count()));
    add_unless_empty(actual_, "Access-Control-Expose-Headers", joined(settings.expose));
}

bool Cors::allows(const Request& request) const noexcept {
    if (origins_.any()) return true;
    const auto origin = request.header("Origin");
    return origin && origins_.allows(*origin) && request.header_count("Origin") == 1;
}

Step Cors::before(Exchange& exchange) {
    const auto& request = exchange.request;
    if (!is_preflight(request) || !allows(request) || exchange.route->allow.empty()) return Proceed{};
    Response response = Response::empty(204);
    response.headers.add("Access-Control-Allow-Methods", methods_.empty() ? exchange.route->allow : methods_);
    response.headers.append(preflight_);
    return response;
}

void Cors::after(Exchange& exchange, Response& response) noexcept {
    try {
        if (!response.headers.find(allow_origin)) add_fields(exchange.request, response.headers);
    } catch (const std::exception& error) {
        log::error("cors_fields_failed", {{"error", error.what()}});
    }
}

void Cors::add_fields(const Request& request, HeaderBlock& headers) const {
    const bool preflight = is_preflight(request);
    if (allows(request)) {
        headers.add(allow_origin, origins_.any() ? "*" : *request.header("Origin"));
        if (credentials_) headers.add("Access-Control-Allow-Credentials", "true");
        if (!preflight) headers.append(actual_);
    }
    // Also where no origin was sent or it is not allowed: a cache must not give that answer to a page that is.
    if (preflight || !origins_.any()) headers.add_to_list("Vary", "Origin");
    if (preflight) {
        headers.add_to_list("Vary", "Access-Control-Request-Method");
        headers.add_to_list("Vary", "Access-Control-Request-Headers");
    }
}

}  // namespace sluice::middleware
