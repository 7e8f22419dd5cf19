// A Redis script that is told the time, so that a test needs not wait for it to pass.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::test {

/// The script with the time in microseconds as an argument of that number, instead of Redis' own clock.
inline std::string with_time_as_argument(std::string_view script, int argument) {
    std::string text{script};
    constexpr std::string_view reads = "local time = redis.call('TIME')\n";
    const auto at = text.find(reads);
    if (at == std::string::npos) throw std::invalid_argument{"the script does not read the clock"};
    const auto end = text.find('\n', at + reads.size());  // of the line that makes a number of it
    return text.replace(at, end - at, "local now = tonumber(ARGV[" + std::to_string(argument) + "])");
}

}  // namespace sluice::test
