// Tokens that were found right, so that their signatures are not verified again with each request. Hides the digests and
// the eviction; tokens themselves are not kept.
#pragma once

#include "auth/jwk.hpp"
#include "auth/jwt_claims.hpp"
#include "auth/key_set.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace sluice::auth {

/// At most that many bytes, by estimate; the oldest go first. Any thread. A look-up costs the token's SHA-256 (about a
/// microsecond) and an uncontended lock.
class TokenMemory {
public:
    struct Entry {
        std::shared_ptr<const TokenClaims> claims;
        Jwk::Fingerprint key{};  ///< of the key that verified it
    };

    explicit TokenMemory(std::size_t max_bytes) : shard_bytes_{max_bytes / shard_count} {}

    /// What was put for exactly this token, or null claims. The caller checks times and key.
    Entry find(std::string_view token) const;
    void put(std::string_view token, Entry entry);
    /// Forgets it, e.g. because it has expired.
    void drop(std::string_view token);
    /// Forgets all whose key is not in the set.
    void keep_only(const KeySet& keys);

    std::size_t size() const;

private:
    static constexpr std::size_t shard_count = 16;
    using Digest = std::array<std::uint8_t, 32>;
    struct Hash {
        std::size_t operator()(const Digest& digest) const noexcept {
            std::size_t value = 0;
            std::memcpy(&value, digest.data(), sizeof value);  // its bytes are as good as random
            return value;
        }
    };
    struct Slot {
        Entry entry;
        std::size_t bytes = 0;
        std::list<Digest>::iterator place;
    };
    struct Shard {
        mutable std::mutex mutex;  // guards what follows
        std::unordered_map<Digest, Slot, Hash> slots;
        std::list<Digest> order;  // oldest first
        std::size_t bytes = 0;

        void erase(std::unordered_map<Digest, Slot, Hash>::iterator slot);
    };

    static Digest digest_of(std::string_view token);
    Shard& shard_of(const Digest& digest) { return shards_[digest.back() % shard_count]; }
    const Shard& shard_of(const Digest& digest) const { return shards_[digest.back() % shard_count]; }

    const std::size_t shard_bytes_;
    std::array<Shard, shard_count> shards_;
};

}  // namespace sluice::auth
