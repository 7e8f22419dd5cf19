#include "sluice/exchange.hpp"

#include <algorithm>

namespace sluice {

bool Identity::has_scope(std::string_view scope) const noexcept {
    return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

std::string Identity::unique_name() const {
    std::string name;
    append_unique_name(name);
    return name;
}

void Identity::append_unique_name(std::string& to) const {
    switch (kind) {
        case Kind::anonymous:
            break;
        case Kind::api_key:
            to.append("key:").append(id);
            break;
        case Kind::token:
            // The length keeps issuer and subject apart, whatever is in them.
            to.append("token:").append(std::to_string(issuer.size())).append(":").append(issuer).append(":").append(id);
            break;
    }
}

}  // namespace sluice
