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

TEST(LevelOne, KeepsUpToAQuarterOfItsBudgetInOneValue) {
    LevelOne cache{64 * 1000};
    EXPECT_TRUE(cache.put("large", value_of(std::string(15'000, 'x'))));
    EXPECT_NE(cache.find("large"), nullptr);
    EXPECT_FALSE(cache.put("larger", value_of(std::string(16'000, 'x'))));
    EXPECT_EQ(cache.find("larger"), nullptr);
    EXPECT_TRUE(cache.put("small", value_of("x")));
    EXPECT_NE(cache.find("small"), nullptr);
    EXPECT_NE(cache.find("large"), nullptr);
    cache.erase("large");
    EXPECT_EQ(cache.find("large"), nullptr);
}

TEST(LevelOne, AKeyHasOneValueHoweverItsSizeChanges) {
    LevelOne cache{64 * 1000};
    for (const std::size_t size : {10, 12'000, 10, 14'000, 13'000}) {
        EXPECT_TRUE(cache.put("k", value_of(std::string(size, 'x'))));
        ASSERT_NE(cache.find("k"), nullptr);
        EXPECT_EQ(cache.find("k")->body.size(), size);
        EXPECT_EQ(cache.entries(), 1u);
    }
    EXPECT_FALSE(cache.put("k", value_of(std::string(20'000, 'x'))));
    EXPECT_EQ(cache.find("k"), nullptr) << "the one before is no answer any more";
    EXPECT_EQ(cache.bytes(), 0u);
}

TEST(LevelOne, LargeValuesTakeFromTheOthersAndGiveBack) {
    constexpr std::size_t budget = 1 << 20;
    LevelOne cache{budget};
    const auto fill = [&] {
        for (int i = 0; i < 5000; ++i) cache.put("key" + std::to_string(i), value_of(std::string(100, 'x')));
        return cache.entries();
    };
    const auto before = fill();
    for (int i = 0; i < 3; ++i) {
        cache.put("large" + std::to_string(i), value_of(std::string(200'000, 'x')));
        ASSERT_LE(cache.bytes(), budget);
    }
    EXPECT_EQ(cache.find("large0"), nullptr) << "one of that size at a time";
    EXPECT_NE(cache.find("large2"), nullptr);
    EXPECT_LT(fill(), before);
    ASSERT_LE(cache.bytes(), budget);
    cache.erase("large2");
    EXPECT_EQ(fill(), before);
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
