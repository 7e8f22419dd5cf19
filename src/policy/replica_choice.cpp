#include "policy/replica_choice.hpp"

#include <algorithm>

namespace sluice::policy {

namespace {

bool takes_reads(const Candidate& candidate) { return candidate.usable && candidate.weight > 0; }

// Replicas are few: counting anew for each costs less than sorting into memory of its own.
class Eligible {
public:
    Eligible(std::span<const Candidate> candidates, Duration max_lag) : candidates_{candidates}, max_lag_{max_lag} {
        std::size_t usable = 0;
        std::size_t lagging = 0;
        for (const auto& candidate : candidates) {
            if (!takes_reads(candidate)) continue;
            ++usable;
            if (candidate.lag > max_lag) ++lagging;
        }
        const auto may_be_out = std::max<std::size_t>(1, usable / 2);
        kept_although_lagging_ = lagging > may_be_out ? lagging - may_be_out : 0;
    }

    bool operator()(std::size_t i) const {
        const auto& candidate = candidates_[i];
        if (!takes_reads(candidate)) return false;
        return candidate.lag <= max_lag_ || (kept_although_lagging_ > 0 && rank_among_lagging(i) < kept_although_lagging_);
    }

private:
    std::size_t rank_among_lagging(std::size_t i) const {
        std::size_t rank = 0;
        for (std::size_t j = 0; j < candidates_.size(); ++j) {
            const auto& other = candidates_[j];
            if (!takes_reads(other) || other.lag <= max_lag_) continue;
            if (other.lag < candidates_[i].lag || (other.lag == candidates_[i].lag && j < i)) ++rank;
        }
        return rank;
    }

    std::span<const Candidate> candidates_;
    Duration max_lag_;
    std::size_t kept_although_lagging_ = 0;
};

// Draws in proportion to the weights, leaving out `drawn`. Nothing if no other is eligible.
std::optional<std::size_t> draw(std::span<const Candidate> candidates, const Eligible& eligible,
                                std::optional<std::size_t> drawn, std::uint32_t random) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (i != drawn && eligible(i)) total += candidates[i].weight;
    }
    if (total == 0) return std::nullopt;
    std::uint64_t point = (random * total) >> 32;  // uniform in [0, total)
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (i == drawn || !eligible(i)) continue;
        if (point < candidates[i].weight) return i;
        point -= candidates[i].weight;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> choose_replica(std::span<const Candidate> candidates, Duration max_lag, std::uint64_t random) {
    const Eligible eligible{candidates, max_lag};
    const auto first = draw(candidates, eligible, std::nullopt, static_cast<std::uint32_t>(random >> 32));
    if (!first) return std::nullopt;
    const auto second = draw(candidates, eligible, first, static_cast<std::uint32_t>(random));
    if (!second) return first;
    const auto& a = candidates[*first];
    const auto& b = candidates[*second];
    return static_cast<std::uint64_t>(b.outstanding) * a.weight < static_cast<std::uint64_t>(a.outstanding) * b.weight
               ? second
               : first;
}

}  // namespace sluice::policy
