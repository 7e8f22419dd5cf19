#include "config/mistakes.hpp"

#include <algorithm>
#include <tuple>

namespace sluice::config {

std::vector<ConfigurationMistake> Mistakes::sorted() const {
    const auto rank = [this](const ConfigurationMistake& mistake) {
        const auto file = std::find(files_.begin(), files_.end(), mistake.location.file) - files_.begin();
        return std::tuple{file, mistake.location.line, mistake.location.column};
    };
    auto result = found_;
    std::stable_sort(result.begin(), result.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    const auto same = [&](const auto& a, const auto& b) { return rank(a) == rank(b) && a.message == b.message; };
    result.erase(std::unique(result.begin(), result.end(), same), result.end());
    return result;
}

}  // namespace sluice::config
