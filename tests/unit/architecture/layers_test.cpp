// Each layer may include those below it, never above, and never a sibling. The list is the architecture.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path root{SLUICE_SOURCE_DIR};

/// Lowest first; folders in one entry are siblings.
const std::vector<std::vector<std::string>> layers{
    {"include/sluice"},
    {"policy"},  // of the public headers it uses the clock's types alone
    {"api"},     // the public types' implementation
    {"runtime", "telemetry"},
    {"redis", "postgres", "memory", "upstream", "auth"},
    {"cache"},
    {"middleware", "endpoints"},
    {"http"},
    {"config"},
    {"app"},
    {"cli"},
};

std::map<std::string, std::size_t> levels() {
    std::map<std::string, std::size_t> result;
    for (std::size_t level = 0; level < layers.size(); ++level) {
        for (const auto& folder : layers[level]) result[folder] = level;
    }
    return result;
}

/// The layer of a file or of an include path; nothing for libraries and main.cpp.
std::string layer_of_include(const std::string& path) {
    if (path.starts_with("sluice/")) return "include/sluice";
    return path.substr(0, path.find('/'));
}

std::vector<fs::path> sources(const fs::path& folder) {
    std::vector<fs::path> result;
    for (const auto& entry : fs::recursive_directory_iterator{folder}) {
        const auto extension = entry.path().extension();
        if (extension == ".cpp" || extension == ".hpp") result.push_back(entry.path());
    }
    return result;
}

std::vector<std::string> includes_of(const fs::path& file, char opening) {
    std::ifstream in{file};
    const std::regex pattern{opening == '"' ? "^#include \"([^\"]+)\".*" : "^#include <([^>]+)>.*"};
    std::vector<std::string> result;
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
        if (std::regex_match(line, match, pattern)) result.push_back(match[1]);
    }
    return result;
}

}  // namespace

TEST(Layers, IncludeOnlyWhatIsBelow) {
    const auto level = levels();
    std::size_t checked = 0;
    for (const auto& file : sources(root / "src")) {
        const auto relative = fs::relative(file, root / "src");
        if (!relative.has_parent_path()) continue;  // main.cpp and the precompiled header
        const auto own = relative.begin()->string();
        ASSERT_TRUE(level.contains(own)) << own << " is in no layer";
        for (const auto& include : includes_of(file, '"')) {
            const auto other = layer_of_include(include);
            ASSERT_TRUE(level.contains(other)) << relative << " includes " << include << ", which is in no layer";
            if (other != own) EXPECT_LT(level.at(other), level.at(own)) << relative << " must not include " << include;
            ++checked;
        }
    }
    EXPECT_GT(checked, 100u);
    for (const auto& file : sources(root / "include")) {
        for (const auto& include : includes_of(file, '"'))
            EXPECT_TRUE(include.starts_with("sluice/")) << file << ' ' << include;
    }
}

TEST(Layers, LibrariesAreKnownToOneFolderEach) {
    const std::map<std::string, std::vector<std::string>> known_to{
        {"boost/beast", {"http", "upstream"}},
        {"hiredis/", {"redis"}},
        {"pqxx/", {"postgres"}},
        {"libpq-fe.h", {"postgres"}},
        {"prometheus/", {"telemetry"}},
        {"spdlog/", {"telemetry"}},
        {"yaml-cpp/", {"config"}},
        {"CLI/", {"cli"}},
        {"rhonabwy.h", {"auth"}},
        {"boost/asio/ssl", {"upstream"}},
    };
    for (const auto& file : sources(root / "src")) {
        const auto own = fs::relative(file, root / "src").begin()->string();
        for (const auto& include : includes_of(file, '<')) {
            for (const auto& [library, folders] : known_to) {
                if (!include.starts_with(library)) continue;
                EXPECT_NE(std::find(folders.begin(), folders.end(), own), folders.end()) << file << " includes " << include;
            }
        }
    }
}

TEST(Layers, FilesAreShort) {
    for (const auto& folder : {root / "src", root / "include"}) {
        for (const auto& file : sources(folder)) {
            std::ifstream in{file};
            const auto lines = std::count(std::istreambuf_iterator<char>{in}, {}, '\n');
            EXPECT_LE(lines, 420) << file << ": does it still hold one thing?";
        }
    }
}
