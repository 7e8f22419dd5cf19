#include "telemetry/log.hpp"

#include "telemetry/line_writer.hpp"
#include "telemetry/log_line.hpp"
#include "telemetry/standard_output.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>

#include <atomic>
#include <memory>
#include <mutex>

namespace sluice::log {
namespace {

constexpr std::size_t most_waiting = 8 * 1024 * 1024;  // bytes

/// A line that no writer takes waits for its reader at most this long.
constexpr std::chrono::milliseconds direct_patience{500};

std::atomic<Level> threshold{Level::info};
std::atomic<Format> shape{Format::json};
std::mutex mutex;
std::unique_ptr<LineWriter> owner;             // guarded by the mutex when replaced
std::atomic<LineWriter*> background{nullptr};  // what writers use; null: they write themselves

using Time = StandardOutput::Clock::time_point;

/// Until when this thread waits for the reader.
thread_local Time due = Time::max();

/// Where spdlog's logger writes: its own sinks cannot be left while they write. The lines are whole, so nothing is
/// formatted.
class OutputSink final : public spdlog::sinks::sink {
public:
    void log(const spdlog::details::log_msg& message) override {
        StandardOutput::get().write({message.payload.data(), message.payload.size()}, due);
    }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
};

void put(std::string_view text, Time until = Time::max()) {
    // Never destroyed: the last lines of a process may be written after its static objects have gone.
    static auto& logger = *new spdlog::logger{"sluice", std::make_shared<OutputSink>()};
    due = until;
    logger.log(spdlog::level::info, spdlog::string_view_t{text.data(), text.size()});
}

void put_all(std::string_view lines, std::uint64_t lost) {
    put(lines);
    if (lost == 0) return;
    std::string line;
    compose_line(line, shape, Level::warning, "log_lines_lost", {{"count", lost}});
    put(line += '\n');
}

}  // namespace

bool on_terminal() noexcept { return StandardOutput::get().is_terminal(); }

void start(Level level, Format format) {
    const std::lock_guard lock{mutex};
    threshold = level;
    shape = format;
    if (background) return;
    StandardOutput::get().take_time();
    owner = std::make_unique<LineWriter>(put_all, most_waiting);
    background.store(owner.get(), std::memory_order_release);
}

void stop(std::chrono::milliseconds patience, std::chrono::milliseconds longest) {
    const std::unique_lock lock{mutex, std::try_to_lock};
    if (!lock) return;  // somebody else is at it
    background.store(nullptr, std::memory_order_release);
    StandardOutput::get().hurry(patience);
    // It stays, since somebody may be about to use it; and for good if its thread hangs in a write.
    if (owner && !owner->finish_within(longest)) static_cast<void>(owner.release());
}

bool enabled(Level level) noexcept { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view event, Fields fields) {
    if (!enabled(level)) return;
    thread_local std::string line;
    compose_line(line, shape.load(std::memory_order_relaxed), level, event, fields);
    auto* writer = background.load(std::memory_order_acquire);
    if (writer != nullptr && writer->add(line, level >= Level::warning)) return;
    put(line += '\n', StandardOutput::Clock::now() + direct_patience);
}

}  // namespace sluice::log
