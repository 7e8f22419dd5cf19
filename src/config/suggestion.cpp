#include "config/suggestion.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

std::string lower(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return result;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()][b.size()];
}

std::string suggestion(std::string_view wrong, const std::vector<std::string>& candidates, std::string_view prefix) {
    constexpr std::size_t longest = 64;  // nobody misspells more than that by accident
    if (wrong.size() > longest) return {};
    const std::string* best = nullptr;
    auto least = std::max<std::size_t>(1, std::min<std::size_t>(3, (wrong.size() + 1) / 3)) + 1;
    for (const auto& candidate : candidates) {
        const auto distance = edit_distance(lower(wrong), lower(candidate));
        if (distance < least) least = distance, best = &candidate;
    }
    return best ? ", did you mean '" + std::string{prefix} + *best + "'?" : std::string{};
}

}  // namespace sluice::config
