#include "runtime/pulse.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace sluice::runtime {

namespace asio = boost::asio;

Pulse::Pulse(asio::execution_context& context)
    : asio::execution_context::service{context}, context_{static_cast<asio::io_context&>(context)} {}

Pulse& Pulse::of(const Executor& executor) { return asio::use_service<Pulse>(executor.context()); }

void Pulse::join(const Executor& executor, std::weak_ptr<const Look> look) {
    asio::post(executor, [&pulse = of(executor), look = std::move(look)] { pulse.looks_.push_back(look); });
}

void Pulse::look_soon() {
    if (std::exchange(posted_, true)) return;
    asio::post(context_, [this] { look(); });
}

void Pulse::look() {
    posted_ = false;
    std::erase_if(looks_, [](const auto& look) { return look.expired(); });
    for (std::size_t i = 0; i < looks_.size(); ++i) {
        if (const auto alive = looks_[i].lock()) (*alive)();
    }
}

}  // namespace sluice::runtime
