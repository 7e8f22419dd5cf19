// How the reads of one event loop share its pipelined connections: which one takes the next batch, how many reads go in it,
// and what is done about a batch that takes long. Pure: the time, and what statements take on the mean, are passed in.
#pragma once

#include "sluice/deadline.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace sluice::policy {

/// How many reads make a batch. They are added in the order in which they wait.
class BatchSize {
public:
    static constexpr std::size_t most = 64;
    /// By what its statements take on the mean.
    static constexpr Duration longest = std::chrono::milliseconds{2};

    bool has_room() const noexcept { return reads_ < most && (reads_ == 0 || takes_ < longest); }
    void add(Duration mean) noexcept {
        ++reads_;
        takes_ += mean;
    }

private:
    std::size_t reads_ = 0;
    Duration takes_{0};
};

/// Which connection takes the next batch. Another than one that will soon be free is used only for reads that are worth it:
/// below that, a larger batch is cheaper.
class LineChoice {
public:
    static constexpr Duration worth_another = std::chrono::microseconds{500};

    struct Line {
        bool open = true;   ///< it takes reads at all
        bool idle = false;  ///< else what follows tells of what is under way
        TimePoint sent_at{};
        Duration takes{0};  ///< on the mean
    };

    explicit LineChoice(TimePoint now) noexcept : now_{now} {}

    /// One after the other; the first that is idle is preferred.
    void consider(std::size_t index, const Line& line) noexcept {
        if (!line.open) return;
        if (line.idle) {
            if (!free_) free_ = index;
            return;
        }
        // A batch that is late says nothing of when it will end.
        const auto left = line.sent_at + line.takes - now_;
        soon_free_ = soon_free_ || (left <= worth_another && left >= -worth_another);
    }

    /// No more need be known of what waits.
    bool decided() const noexcept { return !free_ || !soon_free_ || waiting_ >= worth_another; }
    /// One more read waits, whose statement takes as long on the mean.
    void add_waiting(Duration mean) noexcept { waiting_ += mean; }

    /// Nothing: what waits waits on.
    std::optional<std::size_t> chosen() const noexcept { return decided() ? free_ : std::nullopt; }

private:
    const TimePoint now_;
    std::optional<std::size_t> free_;
    bool soon_free_ = false;
    Duration waiting_{0};
};

/// What is done about a batch that has been under way for a while. Which of its reads is slow the server alone knows, and
/// tells by whom a cancel hits. Where a cancel does not help, workers do them all as well.
struct BatchCare {
    static constexpr Duration slow_after = std::chrono::milliseconds{20};
    /// Of a batch with one read left: nobody waits behind it.
    static constexpr Duration alone_slow_after = std::chrono::milliseconds{100};
    static constexpr Duration hopeless_after = std::chrono::milliseconds{300};
    static_assert(slow_after >= 10 * BatchSize::longest, "a batch of the usual length is not slow");

    bool slow = false;         ///< its connection is of no use to others for now
    bool blame_it = false;     ///< the read that is left is the slow one, and that is news
    bool ask_workers = false;  ///< for what somebody still waits for
    bool cancel = false;
};

/// `wanted`: somebody waits for one of its reads. `unanswered`: how many of its reads have no answer yet. `known_slow`: that
/// it is slow was said before.
constexpr BatchCare care_for(Duration so_far, bool wanted, std::size_t unanswered, bool known_slow) noexcept {
    BatchCare care;
    if (so_far < BatchCare::slow_after) return care;
    care.slow = true;
    if (!wanted) {
        care.cancel = true;
        return care;
    }
    const bool alone = unanswered == 1;
    care.blame_it = alone && !known_slow;
    care.ask_workers = so_far >= BatchCare::hopeless_after;
    care.cancel = !alone || so_far >= BatchCare::alone_slow_after;
    return care;
}

/// The server has not even ended it by the statements' timeout, and `patience` beyond.
constexpr bool is_batch_lost(Duration so_far, Duration timeout, Duration patience) noexcept {
    return so_far > timeout + 2 * patience;
}

/// What one read of a batch counts as having taken. A text that many calls share may have a bad plan without being a slow
/// statement: it is soon given up.
constexpr Duration counted_share(Duration share, bool collapsed, Duration mean) noexcept {
    return collapsed ? std::min(share, 2 * mean) : share;
}

}  // namespace sluice::policy
