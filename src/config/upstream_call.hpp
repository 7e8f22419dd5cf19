// `upstream:` of a route or a fallback.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "sluice/upstream_call.hpp"

#include <functional>
#include <string>

namespace sluice::config {

/// What is wrong with a name that a call uses; empty: nothing.
using ComplaintAboutName = std::function<std::string(const std::string& name)>;

/// Reports what no request could be made of: paths, fields and pointers that are none, and names as `complaint` has it.
UpstreamCall read_upstream_call(const Node& node, const ComplaintAboutName& complaint, Mistakes& mistakes);

}  // namespace sluice::config
