#include "policy/connection_allowance.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sluice::policy {

bool ConnectionAllowance::may_connect(User user, TimePoint now) const { return now >= next_try(user); }

TimePoint ConnectionAllowance::next_try(User user) const {
    const std::lock_guard lock{mutex_};
    return made_[index(user)] == 0 ? tries_at_[index(user)] : grows_at_;
}

bool ConnectionAllowance::made(User user, TimePoint now) {
    const std::lock_guard lock{mutex_};
    const bool grows = user != User::other && made_[index(user)] > 0;
    if (user != User::other) ++made_[index(user)];
    wanting_[index(user)] = false;
    tries_at_[index(user)] = {};
    // What was under way at the refusal, or took another's place, says nothing of whether there is room for more.
    const bool replaces = lost_ > 0;
    if (replaces) --lost_;
    const bool news = limited_ && grows && !replaces && now >= grows_at_;
    if (news) limited_ = false;
    return news;
}

void ConnectionAllowance::gone(User user) {
    const std::lock_guard lock{mutex_};
    if (made_[index(user)] > 0) --made_[index(user)];
    if (!limited_) return;
    ++lost_;
    grows_at_ = {};  // there should be room for another
}

bool ConnectionAllowance::refused(User user, TimePoint now) {
    const std::lock_guard lock{mutex_};
    if (made_[index(user)] == 0) {
        wanting_[index(user)] = true;
        tries_at_[index(user)] = now + pause_without;
    }
    if (now >= grows_at_) {
        pause_ = limited_ ? std::min(2 * pause_, longest_pause) : first_pause;
        grows_at_ = now + pause_;
    }
    lost_ = 0;
    return !std::exchange(limited_, true);
}

bool ConnectionAllowance::give_up(User user) {
    const std::lock_guard lock{mutex_};
    const auto most = *std::max_element(made_.begin(), made_.end());
    const auto wanting = std::find(wanting_.begin(), wanting_.end(), true);
    if (wanting == wanting_.end() || made_[index(user)] < 2 || made_[index(user)] < most) return false;
    *wanting = false;
    --made_[index(user)];
    return true;
}

bool ConnectionAllowance::wanted() const {
    const std::lock_guard lock{mutex_};
    return std::find(wanting_.begin(), wanting_.end(), true) != wanting_.end();
}

std::size_t ConnectionAllowance::total() const {
    const std::lock_guard lock{mutex_};
    return total_locked();
}

std::size_t ConnectionAllowance::total_locked() const noexcept {
    return std::accumulate(made_.begin(), made_.end(), std::size_t{0});
}

}  // namespace sluice::policy
