// `include:` patterns → files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::config {

/// The files that a glob(7) pattern matches, sorted. A relative pattern starts at the main file's folder; the main file
/// itself is left out. Paths are as long as the main file's own: relative if that is.
std::vector<std::filesystem::path> matching_files(const std::filesystem::path& main_file, const std::string& pattern);

}  // namespace sluice::config
