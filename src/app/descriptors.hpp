// How many connections this process can have: each is a file descriptor.
#pragma once

#include <cstddef>

namespace sluice::app {

/// Raises the soft limit to the hard one: the customary 1,024 is meant for programs that use select().
void allow_many_descriptors();

/// Lowers the number to what there are descriptors for, and logs it: more would end in failing accepts, which also lock the
/// operator out of the admin API.
void fit_to_descriptors(std::size_t& connections);

}  // namespace sluice::app
