// Which origins a list allows. An origin is scheme, host and port as browsers write it (RFC 6454 section 6.2, Fetch
// standard).
#pragma once

#include <boost/system/result.hpp>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

/// `https://app.example.com`, or `https://*.example.com`, where `*` is exactly one label, as in certificates: what lies
/// deeper is often somebody else's.
class OriginPattern {
public:
    /// In the spelling of browsers: lower case, without the scheme's default port. The error completes "it is no origin: …"
    /// and says what to write instead where that can be told.
    static boost::system::result<OriginPattern, std::string> parse(std::string_view text);

    bool matches(std::string_view origin) const noexcept;
    bool is_wildcard() const noexcept { return is_wildcard_; }
    std::string text() const { return is_wildcard_ ? before_ + '*' + after_ : before_; }

private:
    bool is_wildcard_ = false;
    std::string before_;  // the whole origin, or up to the `*`
    std::string after_;
};

/// Such patterns, or `*` alone for every origin, `null` included.
class AllowedOrigins {
public:
    /// Throws std::invalid_argument, saying what is wrong, for a text that is neither and for `*` beside others.
    explicit AllowedOrigins(const std::vector<std::string>& origins);

    bool any() const noexcept { return any_; }
    /// `origin` as a request's field `Origin` has it.
    bool allows(std::string_view origin) const noexcept;

private:
    bool any_ = false;
    std::set<std::string, std::less<>> exact_;
    std::vector<OriginPattern> wildcards_;
};

}  // namespace sluice::policy
