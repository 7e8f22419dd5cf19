#include "telemetry/log.hpp"

#include "telemetry/line_writer.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <memory>
#include <mutex>

namespace sluice::log {
namespace {

constexpr std::size_t most_waiting = 8 * 1024 * 1024;  // bytes

std::atomic<Level> threshold{Level::info};
std::mutex mutex;
std::unique_ptr<LineWriter> owner;             // guarded by the mutex when replaced
std::atomic<LineWriter*> background{nullptr};  // what writers use; null: they write themselves

/// Standard output, one whole text at a time.
spdlog::logger& output() {
    // Never destroyed: the last lines of a process may be written after its static objects have gone.
    static auto& direct = *new std::shared_ptr<spdlog::logger>{[] {
        auto made = std::make_shared<spdlog::logger>("sluice", std::make_shared<spdlog::sinks::stdout_sink_mt>());
        made->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::local, ""));
        made->flush_on(spdlog::level::trace);
        return made;
    }()};
    return *direct;
}

void put(std::string_view text) { output().log(spdlog::level::info, spdlog::string_view_t{text.data(), text.size()}); }

/// What stands for itself in JSON text.
constexpr std::array<bool, 256> plain = [] {
    std::array<bool, 256> table{};
    for (std::size_t c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
    return table;
}();

void append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const auto is_plain = [](char c) { return plain[static_cast<unsigned char>(c)]; };
        const auto* const end = std::find_if_not(text.begin(), text.end(), is_plain);
        out.append(text.begin(), end);
        if (end == text.end()) break;
        const char c = *end;
        text.remove_prefix(static_cast<std::size_t>(end - text.begin()) + 1);
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else {
            // Bytes beyond ASCII are written as Latin-1 escapes: the line stays valid JSON whatever a client sent.
            out += "\\u00";
            out += hex[byte >> 4];
            out += hex[byte & 15];
        }
    }
    out += '"';
}

void append_time(std::string& out) {
    const auto now = std::chrono::system_clock::now();
    const auto seconds = std::chrono::system_clock::to_time_t(now);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1'000'000;
    thread_local std::time_t cached_second = -1;
    thread_local std::array<char, 32> cached{};
    if (seconds != cached_second) {
        std::tm utc{};
        ::gmtime_r(&seconds, &utc);
        std::strftime(cached.data(), cached.size(), "%Y-%m-%dT%H:%M:%S", &utc);
        cached_second = seconds;
    }
    out += cached.data();
    std::array<char, 8> fraction{'.', '0', '0', '0', '0', '0', '0', 'Z'};
    auto rest = micros;
    for (std::size_t i = 6; i > 0; --i, rest /= 10) fraction[i] = static_cast<char>('0' + rest % 10);
    out.append(fraction.data(), fraction.size());
}

template <class Number>
void append_number(std::string& out, Number number) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_value(std::string& out, const Field& field) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
        append_json_string(out, *text);
    } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
        append_number(out, *integer);
    } else if (const auto* number = std::get_if<double>(&field.value)) {
        if (std::isfinite(*number))
            append_number(out, *number);
        else
            out += "null";
    } else {
        out += std::get<bool>(field.value) ? "true" : "false";
    }
}

constexpr std::string_view name_of(Level level) {
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
    return names[static_cast<std::size_t>(level)];
}

void compose(std::string& line, Level level, std::string_view event, Fields fields) {
    line.assign("{\"time\":\"");
    append_time(line);
    line.append("\",\"level\":\"").append(name_of(level)).append("\",\"event\":");
    append_json_string(line, event);
    for (const auto& field : fields) {
        line += ',';
        append_json_string(line, field.name);
        line += ':';
        append_value(line, field);
    }
    line += '}';
}

void put_all(std::string_view lines, std::uint64_t lost) {
    put(lines);
    if (lost == 0) return;
    std::string line;
    compose(line, Level::warning, "log_lines_lost", {{"count", lost}});
    put(line += '\n');
}

}  // namespace

void start(Level level) {
    const std::lock_guard lock{mutex};
    threshold = level;
    if (background) return;
    owner = std::make_unique<LineWriter>(put_all, most_waiting);
    background.store(owner.get(), std::memory_order_release);
}

void stop() {
    const std::lock_guard lock{mutex};
    background.store(nullptr, std::memory_order_release);
    if (owner) owner->finish();  // and stays: somebody may be about to use it
}

bool enabled(Level level) noexcept { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view event, Fields fields) {
    if (!enabled(level)) return;
    thread_local std::string line;
    compose(line, level, event, fields);
    auto* writer = background.load(std::memory_order_acquire);
    if (writer != nullptr && writer->add(line, level >= Level::warning)) return;
    put(line += '\n');
}

}  // namespace sluice::log
