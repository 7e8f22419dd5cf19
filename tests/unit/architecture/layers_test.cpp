// Rooms and floors: a room may include those on lower floors and itself, never one above, and never a neighbour. A file is
// in the deepest room whose folder holds it. The list is the architecture; docs/life-of-a-request.md says what is in each
// room.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path root{SLUICE_SOURCE_DIR};

/// The lowest first; folders in one entry are neighbours.
const std::vector<std::vector<std::string>> floors{
    {"include/sluice"},
    {"policy"},  // of the public headers it uses the clock's types alone
    {"api"},     // the public types' implementation
    {"runtime", "telemetry"},
    {"sql", "json"},  // texts: no I/O
    {"redis", "memory", "upstream", "auth", "postgres/connection"},
    {"postgres/schema"},
    {"postgres/workers"},
    {"postgres/pipeline"},
    {"postgres/pool"},
    {"cache"},
    {"middleware", "endpoints", "admin"},
    {"http"},
    {"config"},
    {"app"},
    {"cli"},
};

std::map<std::string, std::size_t> levels() {
    std::map<std::string, std::size_t> result;
    for (std::size_t level = 0; level < floors.size(); ++level) {
        for (const auto& room : floors[level]) result[room] = level;
    }
    return result;
}

/// The room of a file or of an include path, by its longest prefix; empty: it is in none.
std::string room_of(const std::map<std::string, std::size_t>& level, const std::string& path) {
    if (path.starts_with("sluice/")) return "include/sluice";
    for (auto end = path.rfind('/'); end != std::string::npos; end = path.rfind('/', end - 1)) {
        if (level.contains(path.substr(0, end))) return path.substr(0, end);
        if (end == 0) break;
    }
    return {};
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
        const auto own = room_of(level, relative.generic_string());
        ASSERT_FALSE(own.empty()) << relative << " is in no room";
        for (const auto& include : includes_of(file, '"')) {
            const auto other = room_of(level, include);
            ASSERT_FALSE(other.empty()) << relative << " includes " << include << ", which is in no room";
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

// What a floor would allow and the house does not: each would tie two parts that are combined above both. The exceptions are
// what is left to be moved; there must be no others.
TEST(Layers, FourNevers) {
    struct Never {
        std::string from, to;
        std::set<std::string> exceptions;
    };
    const std::vector<Never> nevers{
        {"endpoints", "postgres", {"postgres/connection/parameter_types.hpp"}},
        {"cache", "postgres", {}},
        {"config", "endpoints", {"endpoints/parameters.hpp", "endpoints/body_members.hpp", "endpoints/array_items.hpp"}},
        {"http", "middleware", {"middleware/request_identity.hpp"}},
    };
    for (const auto& file : sources(root / "src")) {
        const auto own = fs::relative(file, root / "src").generic_string();
        for (const auto& include : includes_of(file, '"')) {
            for (const auto& never : nevers) {
                if (!own.starts_with(never.from + "/") || !include.starts_with(never.to + "/")) continue;
                EXPECT_TRUE(never.exceptions.contains(include)) << own << " includes " << include;
            }
        }
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
