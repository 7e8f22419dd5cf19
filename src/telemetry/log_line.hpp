// What a line of the log looks like, as JSON and as text for people.
#pragma once

#include "telemetry/log.hpp"

#include <string>
#include <string_view>

namespace sluice::log {

/// Replaces `line`; without line end. JSON: `{"time":…,"level":…,"event":…, fields…}`. Text: `TIME LEVEL EVENT name=value
/// …`, a value in quotes where it is no plain word; control characters and bytes beyond ASCII are escaped, so that what a
/// client sends can neither begin a line nor command a terminal.
void compose_line(std::string& line, Format format, Level level, std::string_view event, Fields fields);

}  // namespace sluice::log
