// Blocking work, waited for by a coroutine.
#pragma once

#include "runtime/blocking_lane.hpp"
#include "runtime/one_shot.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <boost/system/result.hpp>

#include <exception>
#include <functional>
#include <utility>
#include <variant>

namespace sluice::runtime {

/// Why there is no outcome.
enum class LaneError {
    full,  // too much waits already: the work will not be done
    late,  // the deadline has passed: it may still be done
};

/// Runs `work` on the lane. What it throws is thrown here. It must own all it uses: whoever waits may be gone before it
/// runs.
template <class T>
awaitable<boost::system::result<T, LaneError>> on_lane(BlockingLane& lane, Executor executor, Deadline deadline,
                                                       std::function<T()> work) {
    using Outcome = std::variant<T, std::exception_ptr>;
    const OneShot<Outcome> done{executor};
    auto job = [work = std::move(work), done](std::size_t) {
        try {
            done.set(Outcome{std::in_place_index<0>, work()});
        } catch (...) {
            done.set(Outcome{std::in_place_index<1>, std::current_exception()});
        }
    };
    if (!lane.try_submit(std::move(job))) co_return LaneError::full;
    auto outcome = co_await done.wait(deadline);
    if (!outcome) co_return LaneError::late;
    if (auto* error = std::get_if<1>(&*outcome)) std::rethrow_exception(std::move(*error));
    co_return std::move(std::get<0>(*outcome));
}

}  // namespace sluice::runtime
