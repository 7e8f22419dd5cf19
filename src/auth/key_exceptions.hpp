// What keys cannot say themselves because it was decided after they were issued: revocations and other tiers.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::auth {

/// Keys that are not as they say, in memory; most are, so this is small. Any thread. Looking up costs one atomic load while
/// it is empty, else a shared lock and a hash.
class KeyExceptions {
public:
    struct Exception {
        bool revoked = false;
        std::optional<std::string> tier;  ///< instead of the one in the key

        bool is_none() const noexcept { return !revoked && !tier; }
        friend bool operator==(const Exception&, const Exception&) = default;
    };

    /// Sets what holds for that key id from now on; neither revoked nor another tier: it is as it says again.
    void apply(std::string_view id, bool revoked, std::optional<std::string> tier) {
        std::unique_lock lock{mutex_};
        const auto found = exceptions_.find(id);
        if (!revoked && !tier) {
            if (found != exceptions_.end()) exceptions_.erase(found);
        } else if (found != exceptions_.end()) {
            found->second = Exception{revoked, std::move(tier)};
        } else {
            exceptions_.emplace(std::string{id}, Exception{revoked, std::move(tier)});
        }
        any_.store(!exceptions_.empty(), std::memory_order_release);
    }

    /// Sets all of them at once; nobody sees some of the new ones and some of the old.
    void replace(std::vector<std::pair<std::string, Exception>> all) {
        Exceptions exceptions;
        for (auto& [id, exception] : all) {
            if (!exception.is_none()) exceptions.insert_or_assign(std::move(id), std::move(exception));
        }
        std::unique_lock lock{mutex_};
        exceptions_.swap(exceptions);
        any_.store(!exceptions_.empty(), std::memory_order_release);
    }

    Exception find(std::string_view id) const {
        if (!any_.load(std::memory_order_acquire)) return {};
        std::shared_lock lock{mutex_};
        const auto found = exceptions_.find(id);
        return found == exceptions_.end() ? Exception{} : found->second;
    }

    std::size_t size() const {
        std::shared_lock lock{mutex_};
        return exceptions_.size();
    }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view id) const noexcept { return std::hash<std::string_view>{}(id); }
    };
    using Exceptions = std::unordered_map<std::string, Exception, Hash, std::equal_to<>>;

    std::atomic<bool> any_{false};
    mutable std::shared_mutex mutex_;
    Exceptions exceptions_;
};

}  // namespace sluice::auth
