#include "sluice/exchange.hpp"

#include <algorithm>

namespace sluice {

bool Identity::has_scope(std::string_view scope) const noexcept {
    return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

std::string Identity::unique_name() const {
    switch (kind) {
        case Kind::anonymous:
            break;
        case Kind::api_key:
            return "key:" + id;
        case Kind::token:
            // The length keeps issuer and subject apart, whatever is in them.
            return "token:" + std::to_string(issuer.size()) + ":" + issuer + ":" + id;
    }
    return {};
}

}  // namespace sluice
