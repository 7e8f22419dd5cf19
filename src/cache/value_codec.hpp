// A cached value as bytes for the second level. Another version's or a damaged copy decodes to nothing: a miss.
#pragma once

#include "cache/cached_value.hpp"
#include "policy/changes.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cache {

struct EncodedValue {
    std::string bytes;
    std::chrono::milliseconds lifetime{0};  ///< what is left of ttl + stale: how long the store is to keep it
};

/// What is left of ttl + stale.
std::chrono::milliseconds lifetime_left(const CachedValue& value, TimePoint now);

EncodedValue encode(const CachedValue& value, TimePoint now);

/// `remaining` is what the store says is left of the lifetime: with the lifetime that the value was written with it gives
/// the value's age without comparing clocks. `tags` and `path` are not read back; the caller knows them.
std::shared_ptr<CachedValue> decode(std::string bytes, std::chrono::milliseconds remaining, TimePoint now);

/// Whether a purge names the copy that begins so. True if that does not tell: it is cut off, or another version's.
bool names_copy(const policy::Invalidation& purge, std::string_view beginning);

}  // namespace sluice::cache
