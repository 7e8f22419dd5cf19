// Read-your-writes: what a client brings back from its last write, so that its next read sees it, wherever that is answered.
// Hides the token's form and the cookie.
#pragma once

#include "auth/signed_text.hpp"
#include "sluice/exchange.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/problem.hpp"
#include "sluice/response.hpp"
#include "sluice/settings.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::endpoints {

class Consistency {
public:
    static constexpr std::string_view field = "Sluice-Consistency";
    static constexpr std::string_view cookie = "sluice_consistency";

    /// `mode`: not `off`. `cookie_age`: for how long a browser brings the cookie back; a replica that lags as much is no
    /// longer asked.
    Consistency(ConsistencyMode mode, std::chrono::seconds cookie_age, const std::vector<std::string>& secrets);

    /// To the answer of a write.
    void add_to(Response& response, const HistoryPosition& position) const;

    /// What the request asks its answer to be after; nothing: it does not ask. The field comes before the cookie. The
    /// problem (400) if what it brings was not made here; a cookie of that kind is taken back, so that the browser gets on.
    /// Of several cookies the newest counts, and those that were not made here are ignored.
    std::variant<std::optional<HistoryPosition>, Response> read(const Exchange& exchange) const;

private:
    static Response refusal(const Exchange& exchange, std::string_view where);
    std::string set_cookie(std::string_view value, std::chrono::seconds age) const;

    const ConsistencyMode mode_;
    const std::chrono::seconds cookie_age_;
    const auth::SignedText tokens_;
};

}  // namespace sluice::endpoints
