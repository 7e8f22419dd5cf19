#include "policy/endpoint_choice.hpp"

namespace sluice::policy {
namespace {

enum class Wanted { usable, reachable };

bool eligible(const EndpointCandidate& one, Wanted wanted) {
    return one.weight > 0 && one.reachable && !one.tried && (one.usable || wanted == Wanted::reachable);
}

// Draws in proportion to the weights, leaving out `drawn`. Nothing if no other is eligible.
std::optional<std::size_t> draw(std::span<const EndpointCandidate> candidates, Wanted wanted,
                                std::optional<std::size_t> drawn, std::uint32_t random) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (i != drawn && eligible(candidates[i], wanted)) total += candidates[i].weight;
    }
    if (total == 0) return std::nullopt;
    std::uint64_t point = (random * total) >> 32;  // uniform in [0, total)
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (i == drawn || !eligible(candidates[i], wanted)) continue;
        if (point < candidates[i].weight) return i;
        point -= candidates[i].weight;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> choose_endpoint(std::span<const EndpointCandidate> candidates, std::uint64_t random) {
    const auto high = static_cast<std::uint32_t>(random >> 32);
    auto wanted = Wanted::usable;
    auto first = draw(candidates, wanted, std::nullopt, high);
    if (!first) {
        wanted = Wanted::reachable;
        first = draw(candidates, wanted, std::nullopt, high);
    }
    if (!first) return std::nullopt;
    const auto second = draw(candidates, wanted, first, static_cast<std::uint32_t>(random));
    if (!second) return first;
    const auto& a = candidates[*first];
    const auto& b = candidates[*second];
    return std::uint64_t{b.outstanding} * a.weight < std::uint64_t{a.outstanding} * b.weight ? second : first;
}

}  // namespace sluice::policy
