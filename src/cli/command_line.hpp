// The commands of `sluice` and their options. Hides CLI11.
#pragma once

namespace sluice::cli {

/// Runs the command in `argv` and returns the exit code: 0; 1 it failed, with one line on stderr that says why; 2 usage.
int run(int argc, char** argv);

}  // namespace sluice::cli
