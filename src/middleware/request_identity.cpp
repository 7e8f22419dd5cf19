#include "middleware/request_identity.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>

namespace sluice::middleware {
namespace {

constexpr bool is_hex(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool all_hex(std::string_view text) noexcept { return std::all_of(text.begin(), text.end(), is_hex); }

bool all_zero(std::string_view text) noexcept { return text.find_first_not_of('0') == text.npos; }

}  // namespace

bool is_request_id(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
}

void make_request_id(std::string& id) {
    // Unique, not secret: a fast generator, seeded once per thread from the system's.
    thread_local std::mt19937_64 generator = [] {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device()};
        return std::mt19937_64{seed};
    }();
    constexpr std::string_view hex = "0123456789abcdef";
    id.assign(32, '0');
    for (std::size_t half = 0; half < 2; ++half) {
        auto bits = generator();
        for (std::size_t i = 0; i < 16; ++i, bits >>= 4) id[half * 16 + i] = hex[bits & 15];
    }
}

bool is_traceparent(std::string_view text) noexcept {
    if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
    const auto version = text.substr(0, 2);
    if (!all_hex(version) || version == "ff") return false;
    if (version == "00" ? text.size() != 55 : (text.size() > 55 && text[55] != '-')) return false;
    return all_hex(text.substr(3, 32)) && !all_zero(text.substr(3, 32)) && all_hex(text.substr(36, 16)) &&
           !all_zero(text.substr(36, 16)) && all_hex(text.substr(53, 2));
}

std::string_view trace_id(std::string_view traceparent) noexcept {
    return traceparent.size() >= 35 ? traceparent.substr(3, 32) : std::string_view{};
}

}  // namespace sluice::middleware
