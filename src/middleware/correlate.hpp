// The outermost step: names the request so that it can be found again in every log, and knows its client.
#pragma once

#include "auth/client_address.hpp"
#include "sluice/middleware.hpp"

#include <string>
#include <vector>

namespace sluice::middleware {

/// Sets the exchange's request id (the client's own `X-Request-Id` if it is well formed and holds no
/// credential), trace and client address; every
/// answer carries the id.
class Correlate final : public Middleware {
public:
    explicit Correlate(const std::vector<std::string>& trusted_proxies) : proxies_{trusted_proxies} {}

    Step before(Exchange& exchange) override;
    void after(Exchange& exchange, Response& response) noexcept override;

private:
    const auth::TrustedProxies proxies_;
};

}  // namespace sluice::middleware
