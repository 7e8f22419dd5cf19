// The process's file descriptors: standard input and output, and how many connections it can have.
#pragma once

#include <cstddef>

namespace sluice::app {

/// Opens those of 0 to 2 that are closed as /dev/null: the next file opened would get that number, and what is meant for
/// standard output would be written into it. Before anything else is opened.
void open_standard_descriptors();

/// Raises the soft limit to the hard one: the customary 1,024 is meant for programs that use select().
void allow_many_descriptors();

/// Lowers the number to what there are descriptors for, and logs it: more would end in failing accepts, which also lock the
/// operator out of the admin API.
void fit_to_descriptors(std::size_t& connections);

}  // namespace sluice::app
