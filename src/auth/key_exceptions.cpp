#include "auth/key_exceptions.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>
#include <utility>

namespace sluice::auth {
namespace {

constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

std::array<std::uint16_t, 2> to_halves(const std::optional<std::chrono::sys_seconds>& moment) {
    const auto seconds = moment ? std::clamp<std::int64_t>(moment->time_since_epoch().count(), 0, never - 1) : never;
    return {static_cast<std::uint16_t>(seconds >> 16), static_cast<std::uint16_t>(seconds & 0xFFFF)};
}

std::optional<std::chrono::sys_seconds> to_moment(const std::array<std::uint16_t, 2>& halves) {
    const auto seconds = std::uint32_t{halves[0]} << 16 | halves[1];
    if (seconds == never) return std::nullopt;
    return std::chrono::sys_seconds{std::chrono::seconds{seconds}};
}

}  // namespace

std::size_t KeyExceptionTable::Hash::operator()(const KeyId& id) const noexcept {
    std::uint64_t first = 0;
    std::uint32_t rest = 0;
    std::memcpy(&first, id.data(), sizeof first);
    std::memcpy(&rest, id.data() + sizeof first, sizeof rest);
    return first ^ rest * 0x9E3779B97F4A7C15u;
}

std::uint16_t KeyExceptionTable::number_of(const std::string& tier) {
    auto found = std::find(tiers_.begin(), tiers_.end(), tier);
    if (found == tiers_.end()) found = tiers_.insert(tiers_.end(), tier);
    return static_cast<std::uint16_t>(found - tiers_.begin() + 1);
}

void KeyExceptionTable::apply(std::string_view id, const KeyException& exception) {
    const auto bytes = parse_key_id(id);
    if (!bytes) return;
    if (exception.is_none()) {
        exceptions_.erase(*bytes);
        return;
    }
    const std::uint16_t tier = exception.tier ? number_of(*exception.tier) : std::uint16_t{0};
    exceptions_.insert_or_assign(*bytes, Stored{to_halves(exception.revoked_from), tier});
}

KeyException KeyExceptionTable::find(std::string_view id) const {
    const auto bytes = parse_key_id(id);
    if (!bytes) return {};
    const auto found = exceptions_.find(*bytes);
    if (found == exceptions_.end()) return {};
    const auto& stored = found->second;
    KeyException exception;
    exception.revoked_from = to_moment(stored.revoked_from);
    if (stored.tier != 0) exception.tier = tiers_[stored.tier - 1U];
    return exception;
}

void KeyExceptions::apply(std::string_view id, const KeyException& exception) {
    const std::unique_lock lock{mutex_};
    table_.apply(id, exception);
    any_.store(table_.size() > 0, std::memory_order_release);
}

void KeyExceptions::replace(KeyExceptionTable table) {
    // The old one is freed after the lock: a million entries take a moment.
    const std::unique_lock lock{mutex_};
    std::swap(table_, table);
    any_.store(table_.size() > 0, std::memory_order_release);
}

KeyExceptions::Ruling KeyExceptions::find(std::string_view id, std::chrono::system_clock::time_point now) const {
    if (!any_.load(std::memory_order_acquire)) return {};
    const std::shared_lock lock{mutex_};
    auto exception = table_.find(id);
    return {exception.revoked_from && *exception.revoked_from <= now, std::move(exception.tier)};
}

std::size_t KeyExceptions::size() const {
    const std::shared_lock lock{mutex_};
    return table_.size();
}

}  // namespace sluice::auth
