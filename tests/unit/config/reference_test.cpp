// The reference's examples are right, and no damage to them upsets the reader.
#include "config_files.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <random>

namespace sluice::config {
namespace {

// The ```yaml blocks of docs/configuration.md, with a `postgres:` where routes need one.
std::vector<std::string> examples() {
    std::ifstream stream{SLUICE_SOURCE_DIR "/docs/configuration.md"};
    const std::string text{std::istreambuf_iterator<char>{stream}, {}};
    const std::string open = "```yaml\n";
    std::vector<std::string> blocks;
    for (auto at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
        at += open.size();
        auto block = text.substr(at, text.find("```", at) - at);
        if (block.find("postgres:") == std::string::npos) block += "postgres: { primary: 'host=localhost' }\n";
        blocks.push_back(std::move(block));
    }
    return blocks;
}

void set_variables(ConfigFiles& files) {
    files.set("SLUICE_PG_PRIMARY", "postgresql://localhost/world");
    files.set("SLUICE_KEY_SECRET", "secret");
    files.set("JWT_SECRET", "0123456789abcdef0123456789abcdef");
}

}  // namespace

TEST(ConfigurationReference, EveryExampleLoads) {
    const auto blocks = examples();
    EXPECT_GE(blocks.size(), 10u);
    for (const auto& block : blocks) {
        ConfigFiles files;
        set_variables(files);
        files.write("c.yaml", block);
        EXPECT_THAT(files.mistakes(), ::testing::IsEmpty()) << block;
    }
}

TEST(ConfigurationReference, DamagedExamplesAreRefusedOrReadButNeverUpsetTheReader) {
    const auto blocks = examples();
    const std::string bytes = "{}[]:,'\"|>&*#-? \n\t\\%$@a1\xc3";
    ConfigFiles files;
    set_variables(files);
    std::mt19937 random{20240502};
    for (int round = 0; round < 600; ++round) {
        auto text = blocks[random() % blocks.size()];
        for (auto n = 1 + random() % 4; n > 0; --n) {
            const auto at = random() % text.size();
            const char byte = bytes[random() % bytes.size()];
            switch (random() % 3) {
                case 0:
                    text[at] = byte;
                    break;
                case 1:
                    text.insert(at, 1, byte);
                    break;
                default:
                    text.erase(at, 1 + random() % 5);
                    break;
            }
        }
        files.write("c.yaml", text);
        for (const auto& line : files.mistakes()) EXPECT_THAT(line, ::testing::StartsWith("c.yaml:")) << text;
    }
}

}  // namespace sluice::config
