#include "redis/key_space.hpp"

#include <utility>

namespace sluice::redis {
namespace {

std::string stem_of(std::string_view prefix, std::string_view database) {
    std::string stem{"sluice:"};
    if (prefix.empty() && database.empty()) return stem;
    return stem.append(prefix).append(1, '/').append(database).append(1, ':');
}

}  // namespace

KeySpace::KeySpace(std::string prefix)
    : prefix_{std::move(prefix)},
      common_{stem_of(prefix_, {})},
      stem_{std::make_shared<const std::string>(common_)},
      last_{stem_} {}

KeySpace::Stem KeySpace::stem() const {
    const std::lock_guard lock{mutex_};
    return stem_;
}

KeySpace::Stem KeySpace::stem_for_copies(TimePoint now) const {
    const std::lock_guard lock{mutex_};
    return now < copies_from_ ? nullptr : stem_;
}

bool KeySpace::belong_to(std::string_view database, TimePoint copies_from) {
    auto stem = std::make_shared<const std::string>(stem_of(prefix_, database));
    const std::lock_guard lock{mutex_};
    if (stem_ && *stem_ == *stem) return false;
    if (last_ && *last_ != *stem) copies_from_ = copies_from;
    stem_ = last_ = std::move(stem);
    return true;
}

void KeySpace::withhold() {
    const std::lock_guard lock{mutex_};
    // Not yet used by anybody: then the first database to come follows none.
    if (stem_ && *stem_ == common_) last_.reset();
    stem_.reset();
}

}  // namespace sluice::redis
