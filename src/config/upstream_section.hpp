// `upstreams`: the HTTP services that routes may ask.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "sluice/upstream_settings.hpp"

#include <filesystem>
#include <vector>

namespace sluice::config {

/// In the order of the file. Relative files of `tls` resolve against `folder`; they are read, so that a mistake in one is
/// told here and not at the start.
std::vector<UpstreamSettings> read_upstreams(const Node& node, const std::filesystem::path& folder, Mistakes& mistakes);

}  // namespace sluice::config
