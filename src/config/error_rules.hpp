// `errors` and `messages`: what a file or a route says about errors that PostgreSQL answers.
#pragma once

#include "config/section.hpp"
#include "sluice/settings.hpp"

namespace sluice::config {

ErrorRules read_error_rules(Section& section);

/// What the file says counts where the route says nothing.
void add_defaults(ErrorRules& rules, const ErrorRules& of_file);

}  // namespace sluice::config
