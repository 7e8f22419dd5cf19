// What the documents list is what there is.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

const fs::path root{SLUICE_SOURCE_DIR};

std::string text_of(const fs::path& file) {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::set<std::string> matches(const std::string& text, const char* pattern) {
    const std::regex wanted{pattern};
    std::set<std::string> found;
    for (std::sregex_iterator match{text.begin(), text.end(), wanted}, end; match != end; ++match) found.insert((*match)[1]);
    return found;
}

std::string sources() {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator{root / "src"}) {
        const auto extension = entry.path().extension();
        if (extension == ".cpp" || extension == ".hpp") all += text_of(entry.path());
    }
    return all;
}

/// From the heading to the next one that is no deeper.
std::string section(const std::string& document, const std::string& heading) {
    const auto begin = document.find("\n" + heading + "\n");
    if (begin == std::string::npos) return {};
    return document.substr(begin, document.find("\n#", begin + heading.size() + 2) - begin);
}

/// A sentence as an event can neither be searched for nor counted.
constexpr auto* snake_case = R"(^[a-z][a-z0-9]*(_[a-z0-9]+)*$)";

}  // namespace

TEST(Documents, ListEachEventOfTheLogAndNoOther) {
    const auto code = sources();
    auto events = matches(code, R"re(log::(?:debug|info|warning|error)\(\s*"([^"]*)")re");
    events.merge(matches(code, R"re(log::write\([^;]*?"([a-z_]+)"(?:,| :))re"));
    events.merge(matches(code, R"re(log::write\([^;]*? : "([a-z_]+)",)re"));
    events.merge(matches(code, R"re(compose_line\([^;]*?Level::\w+, "([^"]+)")re"));
    ASSERT_GT(events.size(), 60u);
    for (const auto& event : events) EXPECT_TRUE(std::regex_match(event, std::regex{snake_case})) << event;

    std::set<std::string> listed;
    const auto table = section(text_of(root / "docs" / "operations.md"), "### Events");
    const std::regex row{R"(\n\| [^|]+\| ([^|]+)\|)"};
    for (std::sregex_iterator match{table.begin(), table.end(), row}, end; match != end; ++match) {
        listed.merge(matches((*match)[1], "`([a-z_0-9]+)`"));
    }
    EXPECT_EQ(listed, events);
}

TEST(Documents, LinkToWhatIsThere) {
    const auto anchor_of = [](std::string heading) {
        std::string anchor;
        for (const char c : heading) {
            if (c >= 'A' && c <= 'Z')
                anchor += static_cast<char>(c + ('a' - 'A'));
            else if (c == ' ')
                anchor += '-';
            else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')
                anchor += c;
        }
        return anchor;
    };
    std::size_t links = 0;
    std::vector<fs::path> documents{root / "README.md", root / "CONTRIBUTING.md"};
    for (const auto& entry : fs::directory_iterator{root / "docs"}) documents.push_back(entry.path());
    for (const auto& document : documents) {
        if (document.extension() != ".md") continue;
        for (const auto& link : matches(text_of(document), R"(\]\(([^)]+)\))")) {
            if (link.starts_with("http")) continue;
            const auto hash = link.find('#');
            const auto target = hash == 0 ? document : document.parent_path() / link.substr(0, hash);
            ASSERT_TRUE(fs::exists(target)) << document << ": " << link;
            ++links;
            if (hash == std::string::npos) continue;
            std::set<std::string> anchors;
            for (const auto& heading : matches(text_of(target), "(?:^|\n)#+ ([^\n]+)")) anchors.insert(anchor_of(heading));
            EXPECT_TRUE(anchors.contains(link.substr(hash + 1))) << document << ": " << link;
        }
    }
    EXPECT_GT(links, 50u);
}

TEST(Documents, ListEachMetricAndNoOther) {
    // The metrics are declared in one file.
    const auto declared = matches(text_of(root / "src" / "telemetry" / "metrics.cpp"), R"re("(sluice_[a-z0-9_]+)")re");
    const auto table = section(text_of(root / "docs" / "operations.md"), "## Metrics");
    EXPECT_EQ(matches(table, R"(\n\| `(sluice_[a-z0-9_]+)`)"), declared);
    EXPECT_GT(declared.size(), 25u);
}
