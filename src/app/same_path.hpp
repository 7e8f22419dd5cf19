// Which routes have one path, whatever they call its parameters. Pure.
#pragma once

#include "sluice/settings.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app {

/// The parameters of `/v1/cities/{id}`, in its order.
std::vector<std::string> names_in(std::string_view pattern);

/// The index of the GET route that answers on the paths of this one, if there is one.
std::optional<std::size_t> find_reader(std::span<const RouteSettings> routes, const RouteSettings& route);

}  // namespace sluice::app
