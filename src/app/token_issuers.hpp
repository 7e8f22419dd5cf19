// Whose tokens are accepted, as configured: for each issuer its verifier and what keeps its keys current.
#pragma once

#include "admin/health.hpp"
#include "auth/key_refresher.hpp"
#include "auth/token_verifier.hpp"
#include "middleware/auth.hpp"
#include "sluice/settings.hpp"
#include "telemetry/metrics.hpp"

#include <memory>
#include <vector>

namespace sluice::app {

class TokenIssuers {
public:
    /// Fetches nothing yet. Metrics outlive it. A secret or a file that gives no keys is what check_jwt finds.
    TokenIssuers(const std::vector<JwtSettings>& issuers, telemetry::Metrics& metrics);

    /// Waits a moment for the first key sets.
    void start();
    void stop();

    /// For the step that looks at credentials. Valid as long as this object.
    std::vector<middleware::Auth::Tokens> accepted();
    /// Of the key sets that are fetched: `jwks`, `jwks-2`, … in the order of the configuration.
    std::vector<admin::DependencyHealth> health() const;

private:
    struct Issuer {
        std::string name;  // of its keys, as a dependency
        std::string default_tier;
        std::unique_ptr<auth::TokenVerifier> verifier;
        std::unique_ptr<auth::KeyRefresher> refresher;  // null with a secret, which never changes
    };

    std::vector<Issuer> issuers_;
};

}  // namespace sluice::app
