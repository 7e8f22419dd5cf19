#include "sluice/settings.hpp"

namespace sluice {
namespace {

std::string describe(const std::vector<ConfigurationMistake>& mistakes) {
    std::string text;
    for (const auto& mistake : mistakes) {
        if (!text.empty()) text += '\n';
        if (!mistake.location.file.empty()) text += to_string(mistake.location) + ": ";
        text += mistake.message;
    }
    return text;
}

}  // namespace

std::string to_string(const SourceLocation& location) {
    return location.file + ':' + std::to_string(location.line) + ':' + std::to_string(location.column);
}

std::map<std::string, Tier> Settings::default_tiers() {
    using namespace std::chrono_literals;
    const auto a_minute = [](std::uint64_t requests) { return Tier{{{requests, 60s}}, OnRedisFailure::local}; };
    return {{"anonymous", a_minute(100)},
            {"free", a_minute(1'000)},
            {"pro", a_minute(10'000)},
            {"enterprise", a_minute(100'000)}};
}

std::map<std::string, std::string> ServerSettings::default_headers() {
    return {
        // An answer is what its Content-Type says and nothing that a browser may guess from its bytes.
        {"X-Content-Type-Options", "nosniff"},
        // One that is opened as a page runs and loads nothing, and stands in nobody's frame; the second line tells browsers
        // that do not know the first.
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"X-Frame-Options", "DENY"},
        // Paths and queries of an API tell others more than they need to know.
        {"Referrer-Policy", "no-referrer"},
    };
}

std::vector<std::string> CorsSettings::default_headers() {
    return {"Authorization", "Content-Type",  "X-API-Key",          "X-Request-Id", "Idempotency-Key",
            "If-Match",      "If-None-Match", "Sluice-Consistency", "traceparent"};
}

std::vector<std::string> CorsSettings::default_exposed() {
    return {"X-Request-Id",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "RateLimit-Policy",
            "RateLimit",
            "Retry-After",
            "ETag",
            "Age",
            "Cache-Status",
            "Link",
            "Sluice-Consistency",
            "Location",
            "Idempotency-Replayed",
            "Allow",
            "WWW-Authenticate"};
}

ConfigurationError::ConfigurationError(std::vector<ConfigurationMistake> mistakes)
    : std::runtime_error{describe(mistakes)}, mistakes_{std::move(mistakes)} {}

}  // namespace sluice
