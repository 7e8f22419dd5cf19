#include "sluice/settings.hpp"

namespace sluice {
namespace {

std::string describe(const std::vector<ConfigurationMistake>& mistakes) {
    std::string text;
    for (const auto& mistake : mistakes) {
        if (!text.empty()) text += '\n';
        if (!mistake.location.file.empty()) text += to_string(mistake.location) + ": ";
        text += mistake.message;
    }
    return text;
}

}  // namespace

std::string to_string(const SourceLocation& location) {
    return location.file + ':' + std::to_string(location.line) + ':' + std::to_string(location.column);
}

std::map<std::string, Tier> Settings::default_tiers() {
    using namespace std::chrono_literals;
    const auto a_minute = [](std::uint64_t requests) { return Tier{{{requests, 60s}}, OnRedisFailure::local}; };
    return {{"anonymous", a_minute(100)},
            {"free", a_minute(1'000)},
            {"pro", a_minute(10'000)},
            {"enterprise", a_minute(100'000)}};
}

ConfigurationError::ConfigurationError(std::vector<ConfigurationMistake> mistakes)
    : std::runtime_error{describe(mistakes)}, mistakes_{std::move(mistakes)} {}

}  // namespace sluice
