// The one place where exceptions become answers. What the client reads is ours; what happened goes to the log.
#pragma once

#include "sluice/middleware.hpp"

namespace sluice::middleware {

class ErrorBoundary final : public Middleware {
public:
    std::optional<Response> recover(Exchange& exchange, std::exception_ptr error) noexcept override;
};

}  // namespace sluice::middleware
