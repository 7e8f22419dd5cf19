// Where a setting stands.
#pragma once

#include <string>

namespace sluice {

/// Where in which file a setting stands, for messages: `file:line:column`. Both from 1; columns count characters.
struct SourceLocation {
    std::string file;
    int line = 0;
    int column = 0;
};

std::string to_string(const SourceLocation& location);

}  // namespace sluice
