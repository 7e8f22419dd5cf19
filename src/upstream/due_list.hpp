// The moments at which what goes on on one loop's connections is over. One timer for all of them: it is set to the earliest
// moment, and looks at all of them when that comes. Arming costs a few stores, since later moments need no timer of their
// own.
#pragma once

#include "runtime/timer_sweep.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace sluice::upstream {

/// Made with std::make_shared; used on its loop only.
class DueList : public std::enable_shared_from_this<DueList> {
public:
    /// How late a moment may be told.
    static constexpr Duration resolution = std::chrono::milliseconds{5};

    /// Something that may become due. Leaves the list when destroyed.
    class Entry {
    public:
        Entry() = default;
        virtual ~Entry() { leave(); }
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

        void disarm() noexcept { due_ = TimePoint::max(); }

    private:
        friend class DueList;
        /// Called on the loop, once per arming. It may arm, disarm and destroy any entry.
        virtual void on_due() = 0;
        void leave() noexcept;

        TimePoint due_ = TimePoint::max();
        Entry* previous_ = nullptr;
        Entry* next_ = nullptr;
        DueList* list_ = nullptr;
    };

    explicit DueList(Executor executor) : timer_{std::in_place, executor} {}
    ~DueList();
    DueList(const DueList&) = delete;
    DueList& operator=(const DueList&) = delete;

    /// Arming again moves it.
    void arm(Entry& entry, TimePoint due);
    /// All of them are due, and whatever is armed later is at once.
    void stop();

private:
    void watch(TimePoint until);
    void look();

    std::optional<runtime::Timer> timer_;   // until it is stopped: it must not outlive the loop
    TimePoint watched_ = TimePoint::max();  // when the timer rings
    Entry* first_ = nullptr;
    Entry* cursor_ = nullptr;  // the next one to look at, so that any may leave meanwhile
    bool stopped_ = false;
};

}  // namespace sluice::upstream
