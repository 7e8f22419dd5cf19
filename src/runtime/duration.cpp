#include "runtime/duration.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace sluice::runtime {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<Unit, 5> time_units{{{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 4> size_units{{{"", 1}, {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}}};

template <std::size_t N>
std::optional<std::uint64_t> parse(std::string_view text, const std::array<Unit, N>& units, std::uint64_t most) noexcept {
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    for (const auto& unit : units) {
        if (text == unit.name) return count <= most / unit.factor ? std::optional{count * unit.factor} : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
    const auto value = parse(text, time_units, 3'650ull * 86'400'000ull);
    if (!value) return std::nullopt;
    return std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(*value)};
}

std::optional<std::size_t> parse_size(std::string_view text) noexcept {
    const auto value = parse(text, size_units, 1ull << 53);
    if (!value) return std::nullopt;
    return static_cast<std::size_t>(*value);
}

}  // namespace sluice::runtime
