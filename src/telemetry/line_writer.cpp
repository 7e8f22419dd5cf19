#include "telemetry/line_writer.hpp"

#include <utility>

namespace sluice::log {

LineWriter::LineWriter(std::function<void(std::string_view, std::uint64_t)> sink, std::size_t most)
    : sink_{std::move(sink)}, most_{most}, thread_{[this] { run(); }} {}

void LineWriter::finish() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

bool LineWriter::finish_within(std::chrono::milliseconds longest) {
    {
        std::unique_lock lock{mutex_};
        stopping_ = true;
        changed_.notify_one();
        if (!thread_.joinable()) return true;
        if (!finished_.wait_for(lock, longest, [this] { return over_; })) {
            thread_.detach();
            return false;
        }
    }
    thread_.join();
    return true;
}

// Waking the thread costs more than all else of a line, so only the first of many does, and one that will not wait.
bool LineWriter::add(std::string_view line, bool urgent) {
    bool wake = false;
    {
        const std::lock_guard lock{mutex_};
        if (stopping_) return false;
        if (pending_.size() + line.size() >= most_) {
            ++lost_;
            return true;
        }
        const auto before = pending_.size();
        pending_.append(line).append(1, '\n');
        const bool half_full = before < most_ / 2 && pending_.size() >= most_ / 2;
        wake = before == 0 || half_full || (urgent && !urgent_);
        urgent_ = urgent_ || urgent || half_full;
    }
    if (wake) changed_.notify_one();
    return true;
}

void LineWriter::run() {
    std::string lines;
    std::unique_lock lock{mutex_};
    for (;;) {
        changed_.wait(lock, [this] { return !pending_.empty() || stopping_; });
        if (pending_.empty()) break;
        changed_.wait_for(lock, patience, [this] { return urgent_ || stopping_; });
        lines.swap(pending_);
        urgent_ = false;
        const auto lost = std::exchange(lost_, 0);
        lock.unlock();
        sink_(lines, lost);
        lines.clear();
        lock.lock();
    }
    over_ = true;
    finished_.notify_all();
}

}  // namespace sluice::log
