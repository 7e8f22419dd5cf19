// Collects everything that is wrong with a configuration, so that all of it is reported at once.
#pragma once

#include "sluice/settings.hpp"

#include <string>
#include <vector>

namespace sluice::config {

class Mistakes {
public:
    /// Files are reported in the order in which they were begun.
    void begin_file(std::string name) { files_.push_back(std::move(name)); }
    /// A text that no message may hold, whoever writes it. A short one is no secret, and may well be a word of a message.
    void never_show(const std::string& text);
    void add(SourceLocation location, std::string message);
    bool empty() const noexcept { return found_.empty(); }
    /// Sorted by file, line and column; the same mistake at the same place (an alias) once.
    std::vector<ConfigurationMistake> sorted() const;

private:
    std::vector<std::string> files_;
    std::vector<std::string> hidden_;
    std::vector<ConfigurationMistake> found_;
};

}  // namespace sluice::config
