#include "postgres/workers/call_queue.hpp"

#include <algorithm>
#include <utility>

namespace sluice::postgres {

CallQueue::CallQueue(const std::string& pool, std::size_t connections, telemetry::Metrics& metrics)
    : length_{metrics.queue_length(pool)},
      waits_{metrics.queue_seconds(pool)},
      admission_{policy::Admission::Settings{.connections = connections}} {}

bool CallQueue::add(std::shared_ptr<Call> call) {
    const auto now = Clock::now();
    {
        const std::lock_guard lock{mutex_};
        if (closed_) return false;
        const auto kind = call->query->statement.number();
        admission_.know(kind, call->statement.tables());
        const auto ticket = ++last_;
        if (admission_.arrive(ticket, kind, call->deadline.time(), now)) return false;
        calls_.emplace(ticket, Waiting{std::move(call), now});
        changed();
    }
    wake_.notify_one();
    return true;
}

std::optional<CallQueue::Task> CallQueue::take(const std::stop_token& stop) {
    for (;;) {
        Calls late;
        std::optional<Task> task;
        {
            std::unique_lock lock{mutex_};
            if (stop.stop_requested()) return std::nullopt;
            const auto now = Clock::now();
            if (now >= not_before_) task = take_locked(now, late);
            if (!task && late.empty()) {
                const auto news = [this, seen = changes_] { return changes_ != seen; };
                if (now < not_before_) {
                    wake_.wait_until(lock, stop, not_before_, news);
                } else {
                    wake_.wait(lock, stop, news);
                }
                continue;
            }
        }
        for (const auto& call : late) {
            call->permit.abandon();
            call->answer({DatabaseError{DatabaseError::Kind::overloaded, {}, "it could not have been answered in time"}});
        }
        if (task) return task;
    }
}

std::optional<CallQueue::Task> CallQueue::take_locked(TimePoint now, Calls& late) {
    for (const auto ticket : admission_.take_late(now)) {
        const auto found = calls_.find(ticket);
        late.push_back(std::move(found->second.call));
        calls_.erase(found);
    }
    std::optional<Task> task;
    if (const auto ticket = admission_.next(now)) {
        const auto& waiting = calls_.at(*ticket);
        waits_.observe(std::chrono::duration<double>(now - waiting.since).count());
        task = Task{*ticket, waiting.call};
    } else if (missing_ > 0) {
        --missing_;
        task = Task{};
    }
    length_.set(static_cast<double>(admission_.waiting()));
    return task;
}

void CallQueue::done(const Task& task, bool tells) {
    const std::lock_guard lock{mutex_};
    admission_.finished(task.ticket, Clock::now(), tells);
    calls_.erase(task.ticket);
}

void CallQueue::put_back(const Task& task, TimePoint again_at) {
    const std::lock_guard lock{mutex_};
    admission_.put_back(task.ticket);
    not_before_ = std::max(not_before_, again_at);
    changed();
}

void CallQueue::forget(const Call& call) {
    const std::lock_guard lock{mutex_};
    const auto found =
        std::find_if(calls_.begin(), calls_.end(), [&](const auto& waiting) { return waiting.second.call.get() == &call; });
    if (found == calls_.end() || !admission_.forget(found->first)) return;  // it runs
    calls_.erase(found);
    changed();
}

void CallQueue::keep(std::span<const std::uint64_t> statements) {
    const std::lock_guard lock{mutex_};
    admission_.keep(statements);
}

void CallQueue::set_connections(std::size_t connections) {
    {
        const std::lock_guard lock{mutex_};
        admission_.set_connections(connections);
        changed();
    }
    wake_.notify_all();
}

void CallQueue::want_connections(std::size_t missing) {
    {
        const std::lock_guard lock{mutex_};
        missing_ = missing;
        changed();
    }
    if (missing > 0) wake_.notify_all();
}

void CallQueue::close() {
    Calls dropped;  // their destructors answer
    const std::lock_guard lock{mutex_};
    closed_ = true;
    for (auto& [ticket, waiting] : calls_) {
        if (!admission_.forget(ticket)) continue;
        dropped.push_back(std::move(waiting.call));
    }
    std::erase_if(calls_, [](const auto& waiting) { return waiting.second.call == nullptr; });
    length_.set(0);
}

std::size_t CallQueue::outstanding() const {
    const std::lock_guard lock{mutex_};
    return admission_.waiting() + admission_.running();
}

void CallQueue::changed() {
    ++changes_;
    length_.set(static_cast<double>(admission_.waiting()));
}

}  // namespace sluice::postgres
