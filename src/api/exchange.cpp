#include "sluice/exchange.hpp"

#include <algorithm>

namespace sluice {

bool Identity::has_scope(std::string_view scope) const noexcept {
    return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

}  // namespace sluice
