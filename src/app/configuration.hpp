// A configuration and what PostgreSQL has told of it, and those that anybody is served by.
#pragma once

#include "endpoints/tag_types.hpp"
#include "sluice/settings.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace sluice::app {

struct Configuration {
    explicit Configuration(Settings given) : settings{std::move(given)} {}

    const Settings settings;
    endpoints::TagTypes tag_types;              ///< of the parameters that its tags are made of
    std::atomic<bool> tag_types_known = false;  ///< as its statements' tables are now
};

/// Any thread.
class Configurations {
public:
    /// It is one as long as somebody else holds it.
    void add(const std::shared_ptr<Configuration>& one) {
        const std::lock_guard lock{mutex_};
        std::erase_if(all_, [](const auto& other) { return other.expired(); });
        all_.push_back(one);
    }
    std::vector<std::shared_ptr<Configuration>> all() const {
        std::vector<std::shared_ptr<Configuration>> alive;
        const std::lock_guard lock{mutex_};
        for (const auto& one : all_) {
            if (auto held = one.lock()) alive.push_back(std::move(held));
        }
        return alive;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::weak_ptr<Configuration>> all_;
};

}  // namespace sluice::app
