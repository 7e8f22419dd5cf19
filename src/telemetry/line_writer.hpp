// Hands lines to a sink on a thread of its own, many at a time. Hides the buffer and when the thread is woken.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::log {

class LineWriter {
public:
    /// A line waits at most this long.
    static constexpr std::chrono::milliseconds patience{50};

    /// `sink` gets whole lines, each with its line end, and how many were lost since it was last called. `most`: bytes
    /// that may wait for it.
    LineWriter(std::function<void(std::string_view lines, std::uint64_t lost)> sink, std::size_t most);
    ~LineWriter() { finish(); }
    LineWriter(const LineWriter&) = delete;
    LineWriter& operator=(const LineWriter&) = delete;

    /// From any thread; never waits for the sink: with no room left the line is lost. An urgent one is written at once.
    /// False after `finish`.
    bool add(std::string_view line, bool urgent);
    /// Returns when all that was added has been given to the sink. Idempotent; not from two threads at once.
    void finish();
    /// The same; false if the sink has not returned within `longest`. Then its thread goes on by itself, and this object
    /// must stay.
    [[nodiscard]] bool finish_within(std::chrono::milliseconds longest);

private:
    void run();

    const std::function<void(std::string_view, std::uint64_t)> sink_;
    const std::size_t most_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::condition_variable finished_;
    std::string pending_;
    std::uint64_t lost_ = 0;
    bool urgent_ = false;
    bool stopping_ = false;
    bool over_ = false;   // the thread gives no more to the sink
    std::thread thread_;  // last: it uses the others
};

}  // namespace sluice::log
