// Structured logging: one event per line on standard output, as JSON or as text, written by a background thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::log {

enum class Level { debug, info, warning, error };

enum class Format {
    json,  // an object per line, for programs
    text,  // for people
};

struct Field {
    std::string_view name;
    std::variant<std::string_view, std::int64_t, double, bool> value;

    Field(std::string_view field, std::string_view text) : name{field}, value{text} {}
    Field(std::string_view field, const std::string& text) : name{field}, value{std::string_view{text}} {}
    Field(std::string_view field, const char* text) : name{field}, value{std::string_view{text}} {}
    Field(std::string_view field, bool flag) : name{field}, value{flag} {}
    Field(std::string_view field, double number) : name{field}, value{number} {}
    template <class Integer>
    requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>) Field(std::string_view field, Integer number)
        : name{field}, value{static_cast<std::int64_t>(number)} {}
};

using Fields = std::initializer_list<Field>;

/// Starts the background writer; before it, and after `stop`, lines go straight to standard output.
void start(Level level, Format format = Format::json);
/// Writes what is queued and ends the writer. A reader of standard output that takes nothing for `patience`, or not all
/// within `longest`, holds nobody up any more; the rest is lost.
void stop(std::chrono::milliseconds patience = std::chrono::milliseconds{500},
          std::chrono::milliseconds longest = std::chrono::seconds{10});
/// Whether a person reads along.
bool on_terminal() noexcept;

bool enabled(Level level) noexcept;
/// One line (telemetry/log_line.hpp). A full queue drops the line rather than wait.
void write(Level level, std::string_view event, Fields fields = {});

inline void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warning(std::string_view event, Fields fields = {}) { write(Level::warning, event, fields); }
inline void error(std::string_view event, Fields fields = {}) { write(Level::error, event, fields); }

}  // namespace sluice::log
