// A cache on one loop over a database that answers what it is told.
#pragma once

#include "cache/two_level_cache.hpp"
#include "memory/byte_store.hpp"
#include "runtime/boot_clock.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include <deque>

namespace sluice::cache {

inline policy::Poll answered_poll(std::vector<policy::Invalidation> rows = {}) {
    policy::Poll poll;
    poll.sent = Clock::now();
    poll.coherent = true;
    poll.asleep = runtime::asleep();
    poll.history = 1;
    poll.snapshot.xmax = 1'000;
    poll.invalidations = std::move(rows);
    return poll;
}

/// A database that answers what it is told, when it is told.
class TwoLevelCacheTest : public ::testing::Test {
protected:
    TwoLevelCacheTest() { coherence_.learn(answered_poll()); }
    ~TwoLevelCacheTest() override {
        loop_.restart();
        loop_.run();
        cache_.drain(Deadline::after(Clock::now(), std::chrono::seconds{10}));
    }

    Wanted wanted(const std::string& key, std::vector<std::string> tags = {}) {
        Wanted result;
        result.key = key;
        result.path = "/" + key;
        result.tags = std::move(tags);
        result.lifetimes.ttl = std::chrono::seconds{60};
        result.lifetimes.stale = std::chrono::hours{1};
        result.patience = std::chrono::seconds{10};
        result.load = [this](From from, Deadline) { return load(from); };
        return result;
    }

    awaitable<LoadResult> load(From from) {
        ++loads_;
        last_on_primary_ = from == From::origin;
        co_await boost::asio::post(loop_.get_executor(), use_awaitable);  // as a database does, it answers later
        if (results_.empty()) co_return no_server();
        auto result = results_.front();
        if (results_.size() > 1) results_.pop_front();
        co_return result;
    }

    static Failure no_server() { return {Failure::Cause::source, true}; }

    static LoadResult found(std::string body, std::optional<Label> label = {}, bool from_primary = false) {
        return Loaded{true, std::move(body), std::move(label), !from_primary};
    }

    /// All callers at once, on one loop.
    std::vector<Answer> ask(std::vector<Wanted> many, Duration patience = std::chrono::seconds{10}) {
        std::vector<Answer> answers(many.size());
        for (std::size_t i = 0; i < many.size(); ++i) {
            boost::asio::co_spawn(
                loop_.get_executor(),
                cache_.load(loop_.get_executor(), std::move(many[i]), Deadline::after(Clock::now(), patience)),
                [&answers, i](std::exception_ptr error, Answer answer) {
                    ASSERT_FALSE(error);
                    answers[i] = std::move(answer);
                });
        }
        loop_.restart();
        loop_.run();
        return answers;
    }
    Answer ask(Wanted one) {
        std::vector<Wanted> many;
        many.push_back(std::move(one));
        return ask(std::move(many)).front();
    }

    boost::asio::io_context loop_{1};
    telemetry::Metrics metrics_;
    Coherence coherence_;
    std::shared_ptr<memory::ByteStore> store_ = std::make_shared<memory::ByteStore>();
    TwoLevelCache cache_{1 << 20, store_, coherence_, metrics_};
    std::deque<LoadResult> results_;
    int loads_ = 0;
    bool last_on_primary_ = false;
};

}  // namespace sluice::cache
