// Configuration files in a folder of their own, and what loading them says.
#pragma once

#include "sluice/settings.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sluice::config {

class ConfigFiles {
public:
    ConfigFiles();
    ~ConfigFiles();
    ConfigFiles(const ConfigFiles&) = delete;
    ConfigFiles& operator=(const ConfigFiles&) = delete;

    /// Writes `name` into the folder.
    void write(const std::string& name, const std::string& text);
    void set(const std::string& variable, const std::string& value) { environment_[variable] = value; }

    /// Loads `c.yaml`.
    Settings load() const;
    /// The lines of the ConfigurationError, the folder's path taken out; none if `c.yaml` is right.
    std::vector<std::string> mistakes() const;

    const std::filesystem::path& folder() const { return folder_; }

private:
    std::filesystem::path folder_;
    std::map<std::string, std::string> environment_;
};

/// Loads a text as `c.yaml`.
Settings load_text(const std::string& yaml);
std::vector<std::string> mistakes_in(const std::string& yaml);

/// A file with one route on top of a valid rest: `members` are the lines of the route's mapping, without indentation.
/// The route's key stands in line 2, its first member in line 3, column 5.
std::string with_route(const std::string& key, const std::string& members);

/// One line of a table: a text and all that is wrong with it.
struct Case {
    std::string yaml;
    std::vector<std::string> mistakes;
};
void expect_mistakes(const std::vector<Case>& cases);

}  // namespace sluice::config
