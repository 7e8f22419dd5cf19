// One value, delivered from any thread to one coroutine that waits for it on its own loop, until a deadline.
#pragma once

#include "runtime/timer_sweep.hpp"
#include "sluice/deadline.hpp"
#include "sluice/executor.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <memory>
#include <optional>

namespace sluice::runtime {

/// Copies share the slot. The waiter may be gone when the value comes: then it is dropped.
template <class T>
class OneShot {
public:
    /// Made on the loop that will wait.
    explicit OneShot(Executor executor) : state_{std::make_shared<State>(executor)} {}

    /// Delivers the value; from any thread. The first one counts.
    void set(T value) const {
        boost::asio::post(state_->timer.get_executor(), [state = state_, value = std::move(value)]() mutable {
            if (state->value) return;
            state->value.emplace(std::move(value));
            state->timer.cancel();
        });
    }

    /// The value, or nothing if the deadline passed first. At most one waiter.
    awaitable<std::optional<T>> wait(Deadline deadline) const {
        const auto state = state_;
        if (!state->value) {
            state->timer.expires_at(deadline.time());
            boost::system::error_code cancelled;
            co_await state->timer.async_wait(boost::asio::redirect_error(use_awaitable, cancelled));
        }
        co_return std::move(state->value);
    }

private:
    struct State {
        explicit State(Executor executor) : timer{executor} {}
        Timer timer;
        std::optional<T> value;
    };
    std::shared_ptr<State> state_;
};

}  // namespace sluice::runtime
