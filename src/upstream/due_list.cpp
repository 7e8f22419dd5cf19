#include "upstream/due_list.hpp"

#include <algorithm>

namespace sluice::upstream {

DueList::~DueList() {
    while (first_ != nullptr) first_->leave();
}

void DueList::Entry::leave() noexcept {
    if (list_ == nullptr) return;
    if (list_->cursor_ == this) list_->cursor_ = next_;
    (previous_ != nullptr ? previous_->next_ : list_->first_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    previous_ = next_ = nullptr;
    list_ = nullptr;
}

void DueList::arm(Entry& entry, TimePoint due) {
    if (stopped_) return entry.on_due();
    entry.due_ = due;
    if (entry.list_ == nullptr) {
        entry.list_ = this;
        entry.next_ = first_;
        if (first_ != nullptr) first_->previous_ = &entry;
        first_ = &entry;
    }
    if (due < watched_) watch(due);
}

void DueList::stop() {
    stopped_ = true;
    timer_.reset();
    look();
}

void DueList::watch(TimePoint until) {
    if (stopped_) return;
    watched_ = until;
    timer_->expires_at(until);
    timer_->async_wait([self = weak_from_this()](const boost::system::error_code& error) {
        if (error) return;  // set anew, or over
        if (const auto list = self.lock()) list->look();
    });
}

void DueList::look() {
    watched_ = TimePoint::max();
    const auto now = Clock::now();
    auto earliest = TimePoint::max();
    cursor_ = first_;
    while (cursor_ != nullptr) {
        Entry& entry = *cursor_;
        cursor_ = entry.next_;
        if (entry.due_ == TimePoint::max()) continue;
        if (entry.due_ > now && !stopped_) {
            earliest = std::min(earliest, entry.due_);
            continue;
        }
        entry.disarm();
        entry.on_due();
    }
    earliest = std::max(earliest, now + resolution);
    if (first_ != nullptr && earliest < watched_) watch(earliest);
}

}  // namespace sluice::upstream
