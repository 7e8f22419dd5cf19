#include "redis/live_instances.hpp"

#include "runtime/on_loops.hpp"
#include "runtime/random_name.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr Duration interval = 1s;
constexpr const char* lives_for_us = "3500000";  // three heartbeats may be lost

/// KEYS: a sorted set of instances, scored by when they were last heard of, in microseconds of Redis' clock. ARGV: this
/// instance, how long one counts. Answers how many there are.
constexpr std::string_view beat_script = R"lua(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], 60000)
return redis.call('ZCARD', KEYS[1])
)lua";

}  // namespace

struct LiveInstances::Beat {
    explicit Beat(Executor executor) : timer{executor} {}
    runtime::Timer timer;
    bool stopped = false;
    bool again = false;  // asked for since the last one began
};

LiveInstances::LiveInstances(Client& client, unsigned expected, OnBeat on_beat)
    : client_{client},
      on_beat_{std::move(on_beat)},
      script_{beat_script},
      name_{runtime::random_name()},
      count_{std::max(1U, expected)},
      beat_{std::make_shared<Beat>(client.loops().background().executor())} {}

LiveInstances::~LiveInstances() { stop(); }

void LiveInstances::start() {
    started_ = true;
    const auto escalate = [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(client_.loops().background().executor(), run(beat_), escalate);
}

void LiveInstances::stop() {
    if (!std::exchange(started_, false)) return;
    runtime::run_on_loops({{client_.loops().background().executor(), [beat = beat_] {
                                beat->stopped = true;
                                beat->timer.cancel();
                            }}});
}

void LiveInstances::beat_now() {
    asio::post(client_.loops().background().executor(), [beat = beat_] {
        beat->again = true;
        beat->timer.cancel();
    });
}

awaitable<void> LiveInstances::run(std::shared_ptr<Beat> beat) {
    while (!beat->stopped) {
        Reply reply;
        beat->again = false;
        if (const auto stem = client_.keys().stem()) {
            ScriptCall call{{*stem + "instances"}, {name_, lives_for_us}};
            reply = co_await script_.run(client_, std::move(call), Deadline::never());
        }
        if (beat->stopped) break;  // and *this may be gone
        if (reply.status == Status::ok && reply.value.kind == Value::Kind::integer) {
            count_.store(static_cast<unsigned>(std::max<std::int64_t>(1, reply.value.integer)), std::memory_order_relaxed);
            co_await on_beat_();
            if (beat->stopped) break;
        }
        if (beat->again) continue;
        beat->timer.expires_after(interval);
        boost::system::error_code cancelled;
        co_await beat->timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
}

}  // namespace sluice::redis
