#include "app/token_keys.hpp"

#include "auth/key_file.hpp"
#include "upstream/http_get.hpp"
#include "upstream/url.hpp"

#include <filesystem>
#include <memory>
#include <system_error>

namespace sluice::app {
namespace {

using Fetched = auth::KeyRefresher::Fetched;

auth::KeySetOrigin origin_of(const JwtSettings& jwt) {
    return jwt.jwks_url.empty() ? auth::KeySetOrigin::local : auth::KeySetOrigin::fetched;
}

Fetched fetch_file(auth::KeyFile& file) {
    auto text = file.read();
    if (!text) return auth::KeyRefresher::Failed{text.error().reason};
    if (!*text) return auth::KeyRefresher::Unchanged{};
    return std::move(**text);
}

Fetched fetch_url(const std::string& text, const std::stop_token& stop) {
    const auto url = upstream::parse_url(text);
    if (!url) return auth::KeyRefresher::Failed{"the address " + url.error()};
    upstream::GetOptions options;
    options.accept = "application/jwk-set+json, application/json";
    auto body = upstream::http_get(*url, options, stop);
    if (!body) return auth::KeyRefresher::Failed{body.error().reason};
    return std::move(*body);
}

}  // namespace

auth::JwtRules jwt_rules(const JwtSettings& jwt) {
    auth::JwtRules rules;
    rules.issuer = jwt.issuer;
    rules.audiences = jwt.audiences;
    rules.tier_claim = jwt.tier_claim;
    rules.scope_claim = jwt.scope_claim;
    rules.leeway = jwt.leeway;
    return rules;
}

std::string key_source(const JwtSettings& jwt) {
    if (!jwt.jwks_file.empty()) return jwt.jwks_file.string();
    return jwt.jwks_url.empty() ? "hs256_secret" : jwt.jwks_url.substr(0, jwt.jwks_url.find_first_of("?#"));
}

auth::KeyRefresher::Fetch key_fetch(const JwtSettings& jwt) {
    if (jwt.jwks_file.empty()) {
        return [url = jwt.jwks_url](const std::stop_token& stop) { return fetch_url(url, stop); };
    }
    return [file = std::make_shared<auth::KeyFile>(jwt.jwks_file)](const std::stop_token&) { return fetch_file(*file); };
}

auth::KeyRefresher::Settings refresher_settings(const JwtSettings& jwt) {
    auth::KeyRefresher::Settings settings;
    settings.source = key_source(jwt);
    settings.origin = origin_of(jwt);
    settings.schedule.interval = jwt.refresh;
    return settings;
}

boost::system::result<auth::KeySet, std::string> load_keys(const JwtSettings& jwt) {
    if (!jwt.hs256_secret.empty()) {
        auto key = auth::Jwk::from_secret(jwt.hs256_secret);
        if (!key) return key.error();
        std::vector<auth::Jwk> keys;
        keys.push_back(std::move(*key));
        return auth::KeySet{std::move(keys)};
    }
    const auto fetched = key_fetch(jwt)({});
    if (const auto* failed = std::get_if<auth::KeyRefresher::Failed>(&fetched)) return failed->reason;
    return auth::KeySet::parse(std::get<std::string>(fetched), origin_of(jwt));
}

std::vector<ConfigurationMistake> check_jwt(const JwtSettings& jwt) {
    std::vector<ConfigurationMistake> mistakes;
    const auto fail = [&](std::string message) { mistakes.push_back({jwt.keys_location, std::move(message)}); };
    const auto sources = int{!jwt.jwks_file.empty()} + int{!jwt.jwks_url.empty()} + int{!jwt.hs256_secret.empty()};
    if (sources != 1) {
        fail("'jwt' needs exactly one of 'jwks_file', 'jwks_url' and 'hs256_secret'");
        return mistakes;
    }
    if (jwt.issuer.empty() || jwt.audiences.empty()) fail("'jwt' needs 'issuer' and 'audience'");
    if (!jwt.jwks_url.empty()) {
        const auto url = upstream::parse_url(jwt.jwks_url);
        if (!url) fail("'jwks_url' " + url.error());
        return mistakes;
    }
    const auto keys = load_keys(jwt);
    if (keys) return mistakes;
    if (jwt.jwks_file.empty()) {
        fail("'hs256_secret': " + keys.error());
        return mistakes;
    }
    // What neither is a file nor is called like one may be the keys themselves.
    std::error_code unknown;
    const bool is_name = jwt.jwks_file.extension() == ".json" || std::filesystem::exists(jwt.jwks_file, unknown);
    fail("'jwks_file'" + (is_name ? " " + jwt.jwks_file.string() : "") + ": " + keys.error());
    return mistakes;
}

}  // namespace sluice::app
