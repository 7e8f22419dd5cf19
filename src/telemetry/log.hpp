// Structured logging: one JSON object per line on standard output, written by a background thread. Hides spdlog.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::log {

enum class Level { debug, info, warning, error };

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
void start(Level level);
/// Writes what is queued and ends the writer.
void stop();

bool enabled(Level level) noexcept;
/// One line: `{"time":…,"level":…,"event":…, fields…}`. A full queue drops the oldest line rather than wait.
void write(Level level, std::string_view event, Fields fields = {});

inline void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warning(std::string_view event, Fields fields = {}) { write(Level::warning, event, fields); }
inline void error(std::string_view event, Fields fields = {}) { write(Level::error, event, fields); }

}  // namespace sluice::log
