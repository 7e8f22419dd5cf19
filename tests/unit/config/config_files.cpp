#include "config_files.hpp"

#include "config/load.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>

namespace sluice::config {

ConfigFiles::ConfigFiles() {
    auto name = (std::filesystem::temp_directory_path() / "sluice-config-[x]-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error{"no temporary folder"};
    folder_ = name;
}

ConfigFiles::~ConfigFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void ConfigFiles::write(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << text;
}

Settings ConfigFiles::load() const {
    return config::load(folder_ / "c.yaml", [this](const std::string& name) -> std::optional<std::string> {
        const auto found = environment_.find(name);
        return found == environment_.end() ? std::nullopt : std::optional{found->second};
    });
}

std::vector<std::string> ConfigFiles::mistakes() const {
    std::vector<std::string> lines;
    try {
        load();
    } catch (const ConfigurationError& error) {
        std::istringstream text{error.what()};
        const auto prefix = folder_.string() + '/';
        for (std::string line; std::getline(text, line);) {
            for (auto at = line.find(prefix); at != std::string::npos; at = line.find(prefix)) line.erase(at, prefix.size());
            lines.push_back(line);
        }
    }
    return lines;
}

Settings load_text(const std::string& yaml) {
    ConfigFiles files;
    files.write("c.yaml", yaml);
    return files.load();
}

std::vector<std::string> mistakes_in(const std::string& yaml) {
    ConfigFiles files;
    files.write("c.yaml", yaml);
    return files.mistakes();
}

std::string with_route(const std::string& key, const std::string& members) {
    std::string text = "routes:\n  " + key + ":\n";
    std::istringstream lines{members};
    for (std::string line; std::getline(lines, line);) text += "    " + line + "\n";
    return text + "postgres: { primary: 'postgresql://localhost/x' }\n";
}

void expect_mistakes(const std::vector<Case>& cases) {
    for (const auto& c : cases) EXPECT_THAT(mistakes_in(c.yaml), ::testing::ElementsAreArray(c.mistakes)) << c.yaml;
}

}  // namespace sluice::config
