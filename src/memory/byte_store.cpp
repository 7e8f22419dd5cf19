#include "memory/byte_store.hpp"

#include <iterator>
#include <utility>

namespace sluice::memory {
namespace {

StoredBytes missing() {
    StoredBytes nothing;
    nothing.status = StoreStatus::missing;
    return nothing;
}

}  // namespace

ByteStore::ByteStore(std::size_t max_bytes, std::function<TimePoint()> clock)
    : max_bytes_{max_bytes}, clock_{std::move(clock)} {}

awaitable<StoredBytes> ByteStore::get(std::string_view key, Deadline) {
    const TimePoint now = clock_();
    std::lock_guard lock{mutex_};
    const auto found = index_.find(key);
    if (found == index_.end()) co_return missing();
    const auto item = found->second;
    if (item->expires <= now) {
        erase(item);
        co_return missing();
    }
    items_.splice(items_.begin(), items_, item);
    co_return StoredBytes{StoreStatus::found, item->bytes,
                          std::chrono::ceil<std::chrono::milliseconds>(item->whole_life_ends - now),
                          item->expires < item->whole_life_ends};
}

awaitable<StoreStatus> ByteStore::prolong(std::string_view key, Deadline) {
    const TimePoint now = clock_();
    const std::lock_guard lock{mutex_};
    const auto found = index_.find(key);
    if (found == index_.end() || found->second->expires <= now) co_return StoreStatus::missing;
    found->second->expires = found->second->whole_life_ends;
    co_return StoreStatus::found;
}

awaitable<bool> ByteStore::put(std::string_view key, std::string bytes, Lifetime lifetime, Deadline) {
    const TimePoint now = clock_();
    Item item{std::string{key}, std::move(bytes), now + lifetime.first, now + lifetime.whole};
    std::lock_guard lock{mutex_};
    if (const auto found = index_.find(key); found != index_.end()) erase(found->second);
    if (lifetime.first.count() <= 0) co_return true;
    if (item.cost() > max_bytes_) co_return false;
    while (bytes_ + item.cost() > max_bytes_) erase(std::prev(items_.end()));
    bytes_ += item.cost();
    items_.push_front(std::move(item));
    index_.emplace(items_.front().key, items_.begin());
    co_return true;
}

awaitable<bool> ByteStore::erase(std::string_view key, Deadline) {
    const std::lock_guard lock{mutex_};
    if (const auto found = index_.find(key); found != index_.end()) erase(found->second);
    co_return true;
}

awaitable<std::optional<std::size_t>> ByteStore::erase_those(std::function<bool(std::string_view)> goes, Deadline) {
    const std::lock_guard lock{mutex_};
    std::size_t erased = 0;
    for (auto item = items_.begin(); item != items_.end();) {
        const auto next = std::next(item);
        if (goes(item->bytes)) {
            erase(item);
            ++erased;
        }
        item = next;
    }
    co_return erased;
}

awaitable<LockStatus> ByteStore::lock(std::string_view key, std::string_view owner, std::chrono::milliseconds lifetime,
                                      Deadline) {
    const TimePoint now = clock_();
    const std::lock_guard guard{mutex_};
    const auto [lock, taken] = locks_.try_emplace(std::string{key}, Lock{std::string{owner}, now + lifetime});
    if (!taken && lock->second.ends > now) co_return LockStatus::held;
    lock->second = Lock{std::string{owner}, now + lifetime};
    co_return LockStatus::acquired;
}

awaitable<void> ByteStore::unlock(std::string_view key, std::string_view owner, Deadline) {
    const std::lock_guard guard{mutex_};
    const auto found = locks_.find(std::string{key});
    if (found != locks_.end() && found->second.owner == owner) locks_.erase(found);
    co_return;
}

std::size_t ByteStore::bytes() const {
    std::lock_guard lock{mutex_};
    return bytes_;
}

void ByteStore::erase(Items::iterator item) {
    bytes_ -= item->cost();
    index_.erase(item->key);
    items_.erase(item);
}

}  // namespace sluice::memory
