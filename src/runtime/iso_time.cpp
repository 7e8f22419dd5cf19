#include "runtime/iso_time.hpp"

#include <array>
#include <ctime>

namespace sluice::runtime {

std::string iso_time(std::chrono::system_clock::time_point moment) {
    const auto seconds = std::chrono::system_clock::to_time_t(moment);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text.data();
}

}  // namespace sluice::runtime
