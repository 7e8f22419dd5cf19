#include "sluice/ports/upstream.hpp"

namespace sluice {

std::string_view to_string(UpstreamError::Kind kind) noexcept {
    using Kind = UpstreamError::Kind;
    switch (kind) {
        case Kind::unavailable:
            return "unavailable";
        case Kind::overloaded:
            return "overloaded";
        case Kind::refused:
            return "refused";
        case Kind::untrusted:
            return "untrusted";
        case Kind::reset:
            return "reset";
        case Kind::timed_out:
            return "timed_out";
        case Kind::cut_off:
            return "cut_off";
        case Kind::not_http:
            return "not_http";
        case Kind::body_too_large:
            return "body_too_large";
        case Kind::invalid:
            return "invalid";
    }
    return "";
}

std::optional<std::string_view> UpstreamHead::field(std::string_view name) const noexcept {
    for (const auto& one : fields) {
        if (equal_ignoring_case(one.name, name)) return one.value;
    }
    return std::nullopt;
}

}  // namespace sluice
