#include "cache/level_one.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace sluice::cache {
namespace {

ValuePointer value_of(std::string body) {
    auto value = std::make_shared<CachedValue>();
    value->body = std::move(body);
    return value;
}

}  // namespace

TEST(LevelOne, FindsWhatWasPut) {
    LevelOne cache{1 << 20};
    EXPECT_EQ(cache.find("a"), nullptr);
    cache.put("a", value_of("1"));
    ASSERT_NE(cache.find("a"), nullptr);
    EXPECT_EQ(cache.find("a")->body, "1");
    cache.put("a", value_of("2"));
    EXPECT_EQ(cache.find("a")->body, "2");
    EXPECT_EQ(cache.entries(), 1u);
    cache.erase("a");
    EXPECT_EQ(cache.find("a"), nullptr);
    EXPECT_EQ(cache.bytes(), 0u);
}

TEST(LevelOne, StaysWithinItsBudget) {
    constexpr std::size_t budget = 1 << 20;
    LevelOne cache{budget};
    for (int i = 0; i < 5000; ++i) {
        cache.put("key" + std::to_string(i), value_of(std::string(1000, 'x')));
        ASSERT_LE(cache.bytes(), budget);
    }
    EXPECT_GT(cache.entries(), 300u);
}

TEST(LevelOne, DoesNotKeepWhatIsLargerThanAShard) {
    LevelOne cache{64 * 1000};
    cache.put("large", value_of(std::string(2000, 'x')));
    EXPECT_EQ(cache.find("large"), nullptr);
    cache.put("small", value_of("x"));
    EXPECT_NE(cache.find("small"), nullptr);
}

TEST(LevelOne, SparesWhatIsAskedFor) {
    LevelOne cache{1 << 18};
    cache.put("hot", value_of(std::string(500, 'h')));
    for (int i = 0; i < 20'000; ++i) {
        ASSERT_NE(cache.find("hot"), nullptr) << "after " << i << " one-hit wonders";
        cache.put("scan" + std::to_string(i), value_of(std::string(500, 'x')));
    }
}

TEST(LevelOne, SurvivesRandomUse) {
    LevelOne cache{1 << 16};
    std::mt19937 random{7};
    for (int i = 0; i < 50'000; ++i) {
        const auto key = std::to_string(random() % 200);
        switch (random() % 4) {
            case 0:
                cache.put(key, value_of(std::string(random() % 600, 'x')));
                break;
            case 1:
                cache.erase(key);
                break;
            default:
                if (const auto found = cache.find(key)) {
                    ASSERT_LE(found->body.size(), 600u);
                }
        }
        ASSERT_LE(cache.bytes(), std::size_t{1 << 16});
    }
    cache.clear();
    EXPECT_EQ(cache.bytes(), 0u);
    EXPECT_EQ(cache.entries(), 0u);
}

TEST(LevelOne, IsUsedByManyThreads) {
    LevelOne cache{1 << 16};
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&cache, t] {
            std::mt19937 random{t};
            for (int i = 0; i < 5000; ++i) {
                const auto key = std::to_string(random() % 100);
                if (random() % 2 == 0)
                    cache.put(key, value_of(key));
                else if (const auto found = cache.find(key))
                    EXPECT_EQ(found->body, key);
            }
        });
    }
}

}  // namespace sluice::cache
