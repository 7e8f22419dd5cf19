#include "config/mistakes.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace sluice::config {
namespace {

constexpr std::size_t least_hidden = 12;  // bytes

}  // namespace

void Mistakes::never_show(const std::string& text) {
    if (text.size() < least_hidden || text.ends_with("://")) return;
    if (std::find(hidden_.begin(), hidden_.end(), text) == hidden_.end()) hidden_.push_back(text);
}

void Mistakes::add(SourceLocation location, std::string message) {
    for (const auto& text : hidden_) {
        for (auto at = message.find(text); at != message.npos; at = message.find(text, at))
            message.replace(at, text.size(), "…");
    }
    found_.push_back({std::move(location), std::move(message)});
}

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
