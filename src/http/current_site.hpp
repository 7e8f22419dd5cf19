// The site that a loop serves now, and how an exchange keeps the one that it began with. Hides the counting, which is the
// loop's own: it costs no atomic operation and, but when a site takes another's place, no allocation.
#pragma once

#include "http/site.hpp"

#include <cstddef>
#include <memory>
#include <utility>

namespace sluice::http {

/// On its loop only.
class CurrentSite {
    struct Held {
        std::shared_ptr<const Site> site;
        std::shared_ptr<const void> any;  // the same, for who must not know what it is
        std::size_t pins = 0;
    };

public:
    /// Keeps a site. May outlive the CurrentSite.
    class Pin {
    public:
        Pin() = default;
        Pin(Pin&& other) noexcept : held_{std::exchange(other.held_, nullptr)} {}
        Pin& operator=(Pin&& other) noexcept {
            Pin{std::move(other)}.swap(*this);
            return *this;
        }
        ~Pin() {
            if (held_ != nullptr && --held_->pins == 0) delete held_;
        }

        explicit operator bool() const noexcept { return held_ != nullptr; }
        const Site& operator*() const noexcept { return *held_->site; }
        const Site* operator->() const noexcept { return held_->site.get(); }
        /// For what outlives the pin, on whatever thread. Its address is good as long as the pin.
        const std::shared_ptr<const void>& shared() const noexcept { return held_->any; }
        void release() noexcept { Pin{}.swap(*this); }

    private:
        friend class CurrentSite;
        explicit Pin(Held* held) noexcept : held_{held} { ++held->pins; }
        void swap(Pin& other) noexcept { std::swap(held_, other.held_); }

        Held* held_ = nullptr;
    };

    explicit CurrentSite(std::shared_ptr<const Site> first) : now_{hold(std::move(first))} {}

    const Site& operator*() const noexcept { return *now_; }
    const Site* operator->() const noexcept { return now_.operator->(); }
    Pin pin() const noexcept { return Pin{now_.held_}; }
    /// Who holds a pin keeps what it has.
    void replace(std::shared_ptr<const Site> next) { now_ = hold(std::move(next)); }

private:
    static Pin hold(std::shared_ptr<const Site> site) {
        auto held = std::make_unique<Held>();
        held->any = site;
        held->site = std::move(site);
        return Pin{held.release()};
    }

    Pin now_;
};

}  // namespace sluice::http
