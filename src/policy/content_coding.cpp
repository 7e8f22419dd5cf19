#include "policy/content_coding.hpp"

#include "sluice/request.hpp"

#include <optional>

namespace sluice::policy {
namespace {

/// `0.5` as 500. What is no weight counts as none: such an element asks for nothing.
int thousandths(std::string_view weight) noexcept {
    if (weight.empty() || (weight[0] != '0' && weight[0] != '1')) return 0;
    int value = (weight[0] - '0') * 1000;
    if (weight.size() == 1) return value;
    if (weight[1] != '.' || weight.size() > 5) return 0;
    int unit = 100;
    for (const char c : weight.substr(2)) {
        if (c < '0' || c > '9') return 0;
        value += (c - '0') * unit;
        unit /= 10;
    }
    return value > 1000 ? 0 : value;
}

struct Element {
    std::string_view coding;
    int weight = 1000;
};

Element parse(std::string_view text) noexcept {
    const auto semicolon = text.find(';');
    Element element{trimmed(text.substr(0, semicolon)), 1000};
    if (semicolon == text.npos) return element;
    const auto parameter = trimmed(text.substr(semicolon + 1));
    const bool is_weight = parameter.starts_with("q=") || parameter.starts_with("Q=");
    element.weight = is_weight ? thousandths(parameter.substr(2)) : 0;
    return element;
}

/// Nothing: not named.
struct Weights {
    std::optional<int> identity;
    std::optional<int> gzip;
    std::optional<int> brotli;
    std::optional<int> any;
};

Weights parse_field(std::string_view accept_encoding) noexcept {
    Weights weights;
    while (!accept_encoding.empty()) {
        const auto comma = accept_encoding.find(',');
        const auto element = parse(accept_encoding.substr(0, comma));
        accept_encoding = comma == accept_encoding.npos ? std::string_view{} : accept_encoding.substr(comma + 1);
        if (equal_ignoring_case(element.coding, "br")) weights.brotli = element.weight;
        if (equal_ignoring_case(element.coding, "gzip") || equal_ignoring_case(element.coding, "x-gzip"))
            weights.gzip = element.weight;
        if (equal_ignoring_case(element.coding, "identity")) weights.identity = element.weight;
        if (element.coding == "*") weights.any = element.weight;
    }
    return weights;
}

}  // namespace

std::string_view to_string(ContentCoding coding) noexcept {
    switch (coding) {
        case ContentCoding::gzip:
            return "gzip";
        case ContentCoding::brotli:
            return "br";
        case ContentCoding::identity:
            break;
    }
    return "identity";
}

bool accepts_identity(std::string_view accept_encoding) noexcept {
    const auto weights = parse_field(accept_encoding);
    return weights.identity.value_or(weights.any.value_or(1)) > 0;
}

ContentCoding choose_coding(std::string_view accept_encoding) noexcept {
    const auto [identity, gzip, brotli, any] = parse_field(accept_encoding);
    const int of_brotli = brotli.value_or(any.value_or(0));
    const int of_gzip = gzip.value_or(any.value_or(0));
    // Not named, it is acceptable, but what is named is preferred.
    const int of_identity = identity.value_or(any.value_or(0));
    if (of_brotli > 0 && of_brotli >= of_gzip && of_brotli >= of_identity) return ContentCoding::brotli;
    if (of_gzip > 0 && of_gzip >= of_identity) return ContentCoding::gzip;
    return ContentCoding::identity;
}

}  // namespace sluice::policy
