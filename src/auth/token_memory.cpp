#include "auth/token_memory.hpp"

#include <openssl/sha.h>

namespace sluice::auth {
namespace {

/// What an entry costs beside its texts: map node, list node, control block, allocator.
constexpr std::size_t overhead = 400;

std::size_t size_of(const TokenClaims& claims) {
    auto bytes = overhead + claims.json.size() + claims.subject.size() + claims.issuer.size();
    for (const auto& scope : claims.scopes) bytes += sizeof(std::string) + scope.size();
    return bytes;
}

}  // namespace

TokenMemory::Digest TokenMemory::digest_of(std::string_view token) {
    Digest digest;
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
    return digest;
}

void TokenMemory::Shard::erase(std::unordered_map<Digest, Slot, Hash>::iterator slot) {
    bytes -= slot->second.bytes;
    order.erase(slot->second.place);
    slots.erase(slot);
}

TokenMemory::Entry TokenMemory::find(std::string_view token) const {
    const auto digest = digest_of(token);
    const auto& shard = shard_of(digest);
    const std::lock_guard lock{shard.mutex};
    const auto found = shard.slots.find(digest);
    return found == shard.slots.end() ? Entry{} : found->second.entry;
}

void TokenMemory::put(std::string_view token, Entry entry) {
    const auto bytes = size_of(*entry.claims);
    if (bytes > shard_bytes_) return;
    const auto digest = digest_of(token);
    auto& shard = shard_of(digest);
    const std::lock_guard lock{shard.mutex};
    if (const auto old = shard.slots.find(digest); old != shard.slots.end()) shard.erase(old);
    while (shard.bytes + bytes > shard_bytes_) shard.erase(shard.slots.find(shard.order.front()));
    shard.order.push_back(digest);
    shard.slots.emplace(digest, Slot{std::move(entry), bytes, std::prev(shard.order.end())});
    shard.bytes += bytes;
}

void TokenMemory::drop(std::string_view token) {
    const auto digest = digest_of(token);
    auto& shard = shard_of(digest);
    const std::lock_guard lock{shard.mutex};
    if (const auto found = shard.slots.find(digest); found != shard.slots.end()) shard.erase(found);
}

void TokenMemory::keep_only(const KeySet& keys) {
    for (auto& shard : shards_) {
        const std::lock_guard lock{shard.mutex};
        for (auto slot = shard.slots.begin(); slot != shard.slots.end();) {
            const auto next = std::next(slot);
            if (!keys.contains(slot->second.entry.key)) shard.erase(slot);
            slot = next;
        }
    }
}

std::size_t TokenMemory::size() const {
    std::size_t count = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock{shard.mutex};
        count += shard.slots.size();
    }
    return count;
}

}  // namespace sluice::auth
