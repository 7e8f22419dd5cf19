// The head of a request as it goes to a service. Pure: it is written anew from its parts, never copied, and nothing in a
// part can end it or add to it. Decides which of the client's fields go along (RFC 9110 section 7.6).
#pragma once

#include "sluice/ports/upstream.hpp"
#include "sluice/upstream_settings.hpp"

#include <boost/system/result.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::upstream {

/// What the service's settings say about fields.
struct FieldRules {
    FieldRules() = default;
    explicit FieldRules(const UpstreamSettings& settings);

    std::vector<std::pair<std::string, std::string>> set;  ///< without `Host`
    std::string host;                                      ///< what `Host` says; empty: the endpoint's own
    std::vector<std::string> remove;
    UpstreamSettings::IdentityRules identity;
};

/// Whether its effect is the same however often it is sent (RFC 9110 section 9.2.2).
bool is_idempotent(std::string_view method) noexcept;

/// A field's name and value as they may stand in a head.
bool is_token(std::string_view text) noexcept;
bool is_value(std::string_view text) noexcept;

/// What is wrong with a request, for the log.
struct CannotBeSent {
    std::string reason;
};

/// How the end of a request's body is found.
struct BodyLength {
    std::optional<std::size_t> bytes = std::nullopt;  ///< nothing: there is none, or it is chunked
    bool chunked = false;
};

/// All bytes up to the body. `authority` is the endpoint's.
boost::system::result<std::string, CannotBeSent> request_head(const UpstreamRequest& request, BodyLength length,
                                                              const FieldRules& rules, std::string_view authority);
/// The same for a body that is held whole, or none.
inline boost::system::result<std::string, CannotBeSent> request_head(const UpstreamRequest& request, const FieldRules& rules,
                                                                     std::string_view authority) {
    BodyLength length;
    if (request.body) length.bytes = request.body->size();
    return request_head(request, length, rules, authority);
}

}  // namespace sluice::upstream
