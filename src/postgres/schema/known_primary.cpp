#include "postgres/schema/known_primary.hpp"

#include <algorithm>
#include <iterator>

namespace sluice::postgres {

std::uint64_t without_page_header(std::uint64_t lsn) noexcept {
    constexpr std::uint64_t page = 8192;       // the default of --with-wal-blocksize; a smaller one has more such places
    constexpr std::uint64_t long_header = 40;  // of a segment's first page; others have 24
    const auto in_page = lsn % page;
    return in_page <= long_header ? lsn - in_page : lsn;
}

void KnownPrimary::polled(const Poll& poll) {
    const std::lock_guard lock{mutex_};
    if (history_.load(std::memory_order_relaxed) != poll.history) marks_.clear();
    history_.store(poll.history, std::memory_order_relaxed);
    identity_ = poll.identity;
    progress_.polled(poll.sent, poll.lsn);
    if (poll.coherent) mark(poll);
}

void KnownPrimary::mark(const Poll& poll) {
    Mark made{poll.sent, without_page_header(poll.insert_lsn), poll.snapshot.shortened(Label::most_running)};
    if (!marks_.empty() && made.lsn == marks_.back().lsn) {
        marks_.back().snapshot = std::move(made.snapshot);  // nothing was written since, but more may have become visible
        return;
    }
    const auto count = marks_.size();
    if (count >= 2 && marks_[count - 1].sent - marks_[count - 2].sent < between_marks) marks_.pop_back();
    marks_.push_back(std::move(made));
    if (marks_.size() > remembered) marks_.pop_front();
}

Standing KnownPrimary::standing_of(const ServerIdentity& server) const {
    const std::lock_guard lock{mutex_};
    return postgres::standing_of(server, identity_);
}

std::optional<Duration> KnownPrimary::behind(std::uint64_t replayed) const {
    const std::lock_guard lock{mutex_};
    return progress_.behind(replayed);
}

std::optional<Label> KnownPrimary::label_at(std::uint64_t replayed, const ServerIdentity& standby) const {
    const std::lock_guard lock{mutex_};
    if (postgres::standing_of(standby, identity_) != Standing::standby) return std::nullopt;
    const auto after = std::upper_bound(marks_.begin(), marks_.end(), replayed,
                                        [](std::uint64_t lsn, const Mark& mark) { return lsn < mark.lsn; });
    if (after == marks_.begin()) return std::nullopt;
    return Label{history_.load(std::memory_order_relaxed), std::prev(after)->snapshot};
}

}  // namespace sluice::postgres
