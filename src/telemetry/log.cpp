#include "telemetry/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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

constexpr std::size_t queue_lines = 8192;

std::atomic<Level> threshold{Level::info};
std::mutex mutex;
std::shared_ptr<spdlog::logger> logger;         // guarded by the mutex when replaced
std::atomic<spdlog::logger*> current{nullptr};  // what writers use

spdlog::logger& writer() {
    if (auto* present = current.load(std::memory_order_acquire)) return *present;
    static const auto direct = [] {
        auto made = std::make_shared<spdlog::logger>("direct", std::make_shared<spdlog::sinks::stdout_sink_mt>());
        made->set_pattern("%v");
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    return *direct;
}

void append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (byte < 0x20 || byte >= 0x7f) {
            // Bytes beyond ASCII are written as Latin-1 escapes: the line stays valid JSON whatever a client sent.
            out += "\\u00";
            out += hex[byte >> 4];
            out += hex[byte & 15];
        } else {
            out += c;
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

}  // namespace

void start(Level level) {
    const std::lock_guard lock{mutex};
    threshold = level;
    if (logger) return;
    spdlog::init_thread_pool(queue_lines, 1);
    logger = std::make_shared<spdlog::async_logger>("sluice", std::make_shared<spdlog::sinks::stdout_sink_mt>(),
                                                    spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    spdlog::register_logger(logger);
    spdlog::flush_every(std::chrono::seconds{1});
    current.store(logger.get(), std::memory_order_release);
}

void stop() {
    const std::lock_guard lock{mutex};
    if (!logger) return;
    current.store(nullptr, std::memory_order_release);
    logger->flush();
    logger.reset();
    spdlog::shutdown();
}

bool enabled(Level level) noexcept { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view event, Fields fields) {
    if (!enabled(level)) return;
    std::string line{"{\"time\":\""};
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
    writer().log(spdlog::level::info, spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace sluice::log
