#include "memory/publisher.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice::memory {

TEST(MemoryPublisher, ReachesEverySubscriberOfTheChannel) {
    Publisher publisher;
    std::vector<std::string> heard;
    publisher.subscribe("poke", [&](std::string_view message) { heard.push_back("1:" + std::string{message}); });
    publisher.subscribe("poke", [&](std::string_view message) { heard.push_back("2:" + std::string{message}); });
    publisher.subscribe("other", [&](std::string_view message) { heard.push_back("3:" + std::string{message}); });
    publisher.publish("poke", "a");
    publisher.publish("nobody", "b");
    EXPECT_EQ(heard, (std::vector<std::string>{"1:a", "2:a"}));
}

TEST(MemoryPublisher, OneSubscribersTroubleIsNotTheNextOnes) {
    Publisher publisher;
    int heard = 0;
    publisher.subscribe("poke", [](std::string_view) { throw std::runtime_error{"broken"}; });
    publisher.subscribe("poke", [&](std::string_view) { ++heard; });
    publisher.publish("poke", "");
    EXPECT_EQ(heard, 1);
}

TEST(MemoryPublisher, SubscribersMayPublishAndSubscribe) {
    Publisher publisher;
    int heard = 0;
    publisher.subscribe("a", [&](std::string_view) {
        publisher.subscribe("b", [&](std::string_view) { ++heard; });
        publisher.publish("b", "");
    });
    publisher.publish("a", "");
    EXPECT_EQ(heard, 1);
}

TEST(MemoryPublisher, ServesManyThreads) {
    Publisher publisher;
    std::atomic<int> heard = 0;
    publisher.subscribe("poke", [&](std::string_view) { ++heard; });
    auto work = [&] {
        for (int i = 0; i < 200; ++i) {
            publisher.publish("poke", "");
            publisher.subscribe("else", [](std::string_view) {});
        }
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) threads.emplace_back(work);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(heard, 600);
}

}  // namespace sluice::memory
