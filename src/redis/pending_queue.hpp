// Who waits for which reply of a pipelined connection, and until when. Pure: no I/O, no clock.
#pragma once

#include "redis/reply.hpp"
#include "sluice/deadline.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::redis {

/// Replies come in the order of the commands. An entry whose waiter was told "timed out" stays until its replies came, so
/// that the order holds. `Waiter` is whatever resumes the caller; it is moved out exactly once.
template <class Waiter>
class PendingQueue {
public:
    /// A waiter and what to tell it.
    struct Ended {
        Waiter waiter;
        Reply reply;
    };

    /// `replies` are owed to `waiter` (one: the value itself; several: their array), wanted by `due`.
    void push(TimePoint sent, TimePoint due, std::size_t replies, Waiter waiter) {
        entries_.push_back(Entry{sent, due, replies, replies > 1, {}, std::optional<Waiter>{std::move(waiter)}});
        owed_ += replies;
        earliest_ = std::min(earliest_, due);
    }

    /// The next reply came. Its waiter, if this was the last reply it waits for and it still waits. Only if owed() > 0.
    std::optional<Ended> reply(Value value) {
        Entry& entry = entries_.front();
        --owed_;
        --entry.missing;
        if (entry.several) {
            entry.collected.elements.push_back(std::move(value));
            if (entry.missing > 0) return std::nullopt;
            entry.collected.kind = Value::Kind::array;
            value = std::move(entry.collected);
        }
        auto waiter = std::move(entry.waiter);
        entries_.pop_front();
        if (!waiter) return std::nullopt;
        const Status status = value.kind == Value::Kind::error ? Status::error : Status::ok;
        return Ended{std::move(*waiter), Reply{status, std::move(value), true}};
    }

    /// Those whose time is up.
    std::vector<Ended> expire(TimePoint now) {
        std::vector<Ended> ended;
        if (now < earliest_) return ended;
        earliest_ = TimePoint::max();
        for (Entry& entry : entries_) {
            if (!entry.waiter) continue;
            if (entry.due <= now) {
                ended.push_back(Ended{std::move(*entry.waiter), Reply{Status::timed_out, {}, true}});
                entry.waiter.reset();
            } else {
                earliest_ = std::min(earliest_, entry.due);
            }
        }
        return ended;
    }

    /// The connection is gone, and with it every reply.
    std::vector<Ended> fail_all() {
        std::vector<Ended> ended;
        for (Entry& entry : entries_) {
            if (entry.waiter) ended.push_back(Ended{std::move(*entry.waiter), Reply{Status::unavailable, {}, true}});
        }
        entries_.clear();
        owed_ = 0;
        earliest_ = TimePoint::max();
        return ended;
    }

    /// No waiter is due earlier. It may be early: replies that came do not move it.
    TimePoint earliest_due() const noexcept { return earliest_; }
    /// When the oldest command without its reply was sent.
    std::optional<TimePoint> oldest_sent() const noexcept {
        if (entries_.empty()) return std::nullopt;
        return entries_.front().sent;
    }
    /// Replies still to come.
    std::size_t owed() const noexcept { return owed_; }

private:
    struct Entry {
        TimePoint sent;
        TimePoint due;
        std::size_t missing;
        bool several;
        Value collected;               // replies so far, if several
        std::optional<Waiter> waiter;  // nothing once it was told
    };
    std::deque<Entry> entries_;
    std::size_t owed_ = 0;
    TimePoint earliest_ = TimePoint::max();
};

}  // namespace sluice::redis
