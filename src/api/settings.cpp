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
    return {{"anonymous", {100, 60s}}, {"free", {1'000, 60s}}, {"pro", {10'000, 60s}}, {"enterprise", {100'000, 60s}}};
}

ConfigurationError::ConfigurationError(std::vector<ConfigurationMistake> mistakes)
    : std::runtime_error{describe(mistakes)}, mistakes_{std::move(mistakes)} {}

}  // namespace sluice
