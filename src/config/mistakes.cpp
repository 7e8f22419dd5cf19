#include "config/mistakes.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace sluice::config {

std::vector<ConfigurationMistake> Mistakes::sorted() const {
    const auto rank = [this](const ConfigurationMistake& mistake) {
        const auto file = std::find(files_.begin(), files_.end(), mistake.location.file) - files_.begin();
        return std::tuple{file, mistake.location.line, mistake.location.column};
    };
    auto result = found_;
    std::stable_sort(result.begin(), result.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    std::set<std::pair<decltype(rank(found_[0])), std::string>> seen;
    std::erase_if(result, [&](const auto& mistake) { return !seen.emplace(rank(mistake), mistake.message).second; });
    return result;
}

}  // namespace sluice::config
