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

/// What the route declares and, last, those of its pages: `order` if there are several, `limit` and `cursor`.
std::vector<ParameterSettings> query_and_path_parameters(const RouteSettings& route);

/// The orders of a route's pages; of `by` one without a name.
std::vector<PageOrder> orders_of(const PageSettings& page);

class Page {
public:
    /// The most characters of a cursor.
    static constexpr std::size_t longest_cursor = 4096;

    /// One for each of the route's parameters, as it binds them, those of the pages last; what follows is ignored.
    using Values = std::vector<std::optional<std::string>>;

    /// Throws std::invalid_argument without a secret or a column to order by, or with a size beyond the most.
    Page(const RouteSettings& route, const std::vector<std::string>& key_secrets);

    /// Of a request that names no order: puts that of its cursor, or else the default, among the values.
    void settle_order(Values& values) const;
    /// The index of the order among the route's.
    std::size_t order(const Values& values) const noexcept;

    /// The page asked for; nothing if the cursor was not made here, for this route, these parameters and this order.
    std::optional<PagePosition> position(const Values& values) const;

    /// Of `{"data":…,"next":…}` what stands behind the rows. Throws std::length_error when the cursor would be longer than
    /// `longest_cursor`.
    std::string behind_rows(const QueryResult& result, const Values& values) const;

    /// Changes with the orders, and with the secret that signs: who shares an answer must be able to read its cursor.
    std::string mark() const;

private:
    std::string digest(const Values& values, std::size_t order) const;
    std::optional<std::string> key_in(const std::string& cursor, const Values& values, std::size_t order) const;
    bool has_choice() const noexcept { return orders_.size() > 1 || !orders_.front().name.empty(); }

    const std::vector<PageOrder> orders_;
    const std::size_t default_;
    std::vector<std::string> identities_;  // of the route and each order
    const std::size_t declared_;           // how many values are the route's own; those of the pages follow
    const std::size_t limit_;              // index among the values; the cursor's is one more
    const auth::SignedText cursors_;
};

/// The cursor at the end of such an envelope.
std::optional<std::string_view> next_cursor(std::string_view envelope) noexcept;

/// RFC 8288: `</path?query&cursor=…>; rel="next"`, the request's target with this cursor.
std::string next_link(const Exchange& exchange, std::string_view cursor);

}  // namespace sluice::endpoints
