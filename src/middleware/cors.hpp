// Lets pages of other origins use the API from a browser: the CORS protocol of the Fetch standard, section 3.2.
#pragma once

#include "policy/allowed_origins.hpp"
#include "sluice/cors.hpp"
#include "sluice/middleware.hpp"

#include <string>

namespace sluice::middleware {

/// Answers an allowed origin's preflights by itself, so that they need no credentials and count against no limit. The
/// preflight of a path that does not exist goes on to its 404, as scanning for paths is what a limit should slow down.
/// An answer that sets Access-Control-Allow-Origin itself is left as it is.
class Cors final : public Middleware {
public:
    /// Throws std::invalid_argument if an origin is none, or with credentials for every origin.
    explicit Cors(const CorsSettings& settings);

    Step before(Exchange& exchange) override;
    void after(Exchange& exchange, Response& response) noexcept override;

private:
    bool allows(const Request& request) const noexcept;
    void add_fields(const Request& request, HeaderBlock& headers) const;

    const policy::AllowedOrigins origins_;
    const std::string methods_;  // empty: those of the path
    const bool credentials_;
    HeaderBlock preflight_;  // what only the answer to a preflight says
    HeaderBlock actual_;     // what only the others say
};

}  // namespace sluice::middleware
