#include "http/spare_descriptors.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <exception>

namespace sluice::http {

SpareDescriptors::~SpareDescriptors() {
    for (const int descriptor : held_) ::close(descriptor);
}

void SpareDescriptors::refill() noexcept {
    const std::lock_guard lock{mutex_};
    if (held_.size() == most_) return;
    try {
        held_.reserve(most_);
    } catch (const std::exception&) {
        return;
    }
    while (held_.size() < most_) {
        const int descriptor = ::eventfd(0, EFD_CLOEXEC);
        if (descriptor < 0) return;
        held_.push_back(descriptor);
    }
}

bool SpareDescriptors::give_one_up() noexcept {
    const std::lock_guard lock{mutex_};
    if (held_.empty()) return false;
    ::close(held_.back());
    held_.pop_back();
    return true;
}

}  // namespace sluice::http
