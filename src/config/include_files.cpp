#include "config/include_files.hpp"

#include <glob.h>

#include <memory>
#include <system_error>

namespace sluice::config {
namespace {

// The folder's own name is no pattern.
std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (c == '*' || c == '?' || c == '[' || c == '\\') result += '\\';
        result += c;
    }
    return result;
}

}  // namespace

std::vector<std::filesystem::path> matching_files(const std::filesystem::path& main_file, const std::string& pattern) {
    const auto folder = main_file.parent_path().string();
    const bool relative = !pattern.starts_with('/') && !folder.empty();
    const auto whole = relative ? escaped(folder) + '/' + pattern : pattern;
    std::vector<std::filesystem::path> files;
    glob_t matches{};
    const std::unique_ptr<glob_t, decltype(&globfree)> owner{&matches, &globfree};
    if (glob(whole.c_str(), 0, nullptr, &matches) != 0) return files;
    for (std::size_t i = 0; i < matches.gl_pathc; ++i) {
        const auto file = std::filesystem::path{matches.gl_pathv[i]}.lexically_normal();
        std::error_code ignored;
        if (std::filesystem::equivalent(file, main_file, ignored)) continue;
        files.push_back(file);
    }
    return files;
}

}  // namespace sluice::config
