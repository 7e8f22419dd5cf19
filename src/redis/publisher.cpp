#include "redis/publisher.hpp"

#include "telemetry/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <string>

namespace sluice::redis {
namespace {

constexpr int most_posted = 1024;

/// Owns all it uses: the publisher and the client may be gone when it ends.
awaitable<void> send(std::shared_ptr<Connection> connection, CommandCounter counter, std::shared_ptr<log::Throttle> throttle,
                     std::string channel, std::string message) {
    const std::array<std::string_view, 3> publish{"PUBLISH", channel, message};
    const Reply reply = co_await connection->command(publish, Deadline::never());
    counter.count(reply);
    if (reply.status != Status::error) co_return;
    if (const auto left_out = throttle->pass(Clock::now()))
        log::warning("redis_publish_refused",
                     {{"channel", channel}, {"problem", reply.value.text}, {"left_out", *left_out}});
}

}  // namespace

Publisher::Publisher(Client& client)
    : background_{client.loops().background().executor()},
      connection_{client.background_connection()},
      counter_{client.counter()},
      posted_{std::make_shared<std::atomic<int>>(0)},
      throttle_{std::make_shared<log::Throttle>(std::chrono::seconds{10})} {}

void Publisher::publish(std::string_view channel, std::string_view message) noexcept {
    if (!connection_->up()) return;
    if (posted_->fetch_add(1, std::memory_order_relaxed) >= most_posted) {
        posted_->fetch_sub(1, std::memory_order_relaxed);
        return;
    }
    try {
        auto leave = [connection = connection_, counter = counter_, posted = posted_, throttle = throttle_,
                      executor = background_, to = std::string{channel}, text = std::string{message}]() mutable {
            posted->fetch_sub(1, std::memory_order_relaxed);
            boost::asio::co_spawn(executor, send(connection, counter, throttle, std::move(to), std::move(text)),
                                  boost::asio::detached);
        };
        boost::asio::post(background_, std::move(leave));
    } catch (...) {  // no memory: the message is lost, as any may be
        posted_->fetch_sub(1, std::memory_order_relaxed);
    }
}

}  // namespace sluice::redis
