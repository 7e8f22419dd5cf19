#include "app/token_issuers.hpp"

#include "app/token_keys.hpp"

#include <string>
#include <utility>

namespace sluice::app {

TokenIssuers::TokenIssuers(const std::vector<JwtSettings>& issuers, telemetry::Metrics& metrics) {
    for (const auto& jwt : issuers) {
        Issuer issuer;
        issuer.name = issuers_.empty() ? "jwks" : "jwks-" + std::to_string(issuers_.size() + 1);
        issuer.default_tier = jwt.default_tier;
        issuer.verifier = std::make_unique<auth::TokenVerifier>(jwt_rules(jwt));
        if (jwt.hs256_secret.empty()) {
            auto settings = refresher_settings(jwt);
            settings.dependency = issuer.name;
            issuer.refresher =
                std::make_unique<auth::KeyRefresher>(std::move(settings), key_fetch(jwt), *issuer.verifier, metrics);
        } else if (auto keys = load_keys(jwt)) {
            issuer.verifier->replace(std::move(*keys));
        }
        issuers_.push_back(std::move(issuer));
    }
}

void TokenIssuers::start() {
    for (const auto& issuer : issuers_) {
        if (issuer.refresher) issuer.refresher->begin();
    }
    for (const auto& issuer : issuers_) {
        if (issuer.refresher) issuer.refresher->wait_for_first_attempt();
    }
}

void TokenIssuers::stop() {
    for (const auto& issuer : issuers_) {
        if (issuer.refresher) issuer.refresher->stop();
    }
}

std::vector<middleware::Auth::Tokens> TokenIssuers::accepted() {
    std::vector<middleware::Auth::Tokens> all;
    for (const auto& issuer : issuers_) {
        auto* refresher = issuer.refresher.get();
        all.push_back({*issuer.verifier, issuer.default_tier, [refresher] {
                           if (refresher != nullptr) refresher->key_missing();
                       }});
    }
    return all;
}

std::vector<admin::DependencyHealth> TokenIssuers::health() const {
    std::vector<admin::DependencyHealth> all;
    for (const auto& issuer : issuers_) {
        if (!issuer.refresher) continue;
        auto state = issuer.refresher->state();
        all.push_back({issuer.name, state == "ok", std::move(state)});
    }
    return all;
}

}  // namespace sluice::app
