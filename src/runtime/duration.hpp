// Durations and sizes as they are written in the configuration.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::runtime {

/// `250ms`, `5s`, `2m`, `1h`, `7d`: a whole number and a unit. Nothing for any other text and beyond 10 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

/// `64KiB`, `1MiB`, `1GiB`, or plain bytes. Nothing for any other text and beyond 2^53.
std::optional<std::size_t> parse_size(std::string_view text) noexcept;

}  // namespace sluice::runtime
