// The pages of a route: `limit` and `cursor` read, the next cursor made, and the Link to it.
// Hides what a cursor holds: a digest of the route, its order and the other parameters, and the key of a page's last row.
#pragma once

#include "auth/signed_text.hpp"
#include "sluice/exchange.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

/// What the route declares and, last, `limit` and `cursor` if it has pages.
std::vector<ParameterSettings> query_and_path_parameters(const SqlRouteSettings& route);

class Page {
public:
    /// The most characters of a cursor.
    static constexpr std::size_t longest_cursor = 4096;

    /// One for each of the route's parameters, as it binds them, `limit` and `cursor` last; what follows is ignored.
    using Values = std::vector<std::optional<std::string>>;

    /// Throws std::invalid_argument without a secret or a column to order by, or with a size beyond the most.
    Page(const SqlRouteSettings& route, const std::vector<std::string>& key_secrets);

    /// The page asked for; nothing if the cursor was not made here, for this route and these parameters.
    std::optional<PagePosition> position(const Values& values) const;

    /// Of `{"data":…,"next":…}` what stands behind the rows. Throws std::length_error when the cursor would be longer than
    /// `longest_cursor`.
    std::string behind_rows(const QueryResult& result, const Values& values) const;

    /// Changes with the order, and with the secret that signs: who shares an answer must be able to read its cursor.
    std::string mark() const { return cursors_.sign(identity_); }

private:
    std::string digest(const Values& values) const;

    const std::string identity_;  // of the route and its order
    const std::size_t columns_;
    const std::size_t limit_;  // index among the values; the cursor's is one more
    const auth::SignedText cursors_;
};

/// The cursor at the end of such an envelope.
std::optional<std::string_view> next_cursor(std::string_view envelope) noexcept;

/// RFC 8288: `</path?query&cursor=…>; rel="next"`, the request's target with this cursor.
std::string next_link(const Exchange& exchange, std::string_view cursor);

}  // namespace sluice::endpoints
