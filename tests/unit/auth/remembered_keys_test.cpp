#include "auth/remembered_keys.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::auth {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::system_clock::time_point;

const KeyData data{"0123456789abcdef01234567", "pro", 2000, {"a", "b"}};

}  // namespace

TEST(RememberedKeys, SayWhatTheCodecSaysBeforeAndAfterTheyRemember) {
    const KeyCodec codec{{"a secret of more than 16 bytes"}};
    const RememberedKeys keys{codec};
    const auto key = codec.issue(data);
    for (int i = 0; i < 3; ++i) {
        const auto verified = keys.verify(key, Time{1999s});
        ASSERT_TRUE(verified);
        EXPECT_EQ(**verified, data);
        EXPECT_EQ(keys.verify(key, Time{2000s}).error(), KeyError::expired);
        for (std::size_t k = 0; k < key.size(); ++k) {
            auto changed = key;
            changed[k] = changed[k] == 'x' ? 'y' : 'x';
            EXPECT_TRUE(keys.verify(changed, Time{1999s}).has_error()) << k;
        }
        EXPECT_EQ(keys.verify("", Time{1999s}).error(), KeyError::malformed);
    }
}

TEST(RememberedKeys, NothingIsRememberedForAnother) {
    const KeyCodec ours{{"a secret of more than 16 bytes"}};
    const KeyCodec theirs{{"another secret, as long as that"}};
    const auto key = ours.issue(data);
    const RememberedKeys keys{ours};
    ASSERT_TRUE(keys.verify(key, Time{1000s}));
    EXPECT_TRUE(RememberedKeys{theirs}.verify(key, Time{1000s}).has_error());
    EXPECT_TRUE(keys.verify(key, Time{1000s}));
}

TEST(RememberedKeys, ManyKeysTakeTurns) {
    const KeyCodec codec{{"a secret of more than 16 bytes"}};
    const RememberedKeys keys{codec};
    for (std::size_t round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < 2 * RememberedKeys::places; ++i) {
            auto one = data;
            one.tier = "tier" + std::to_string(i);
            const auto verified = keys.verify(codec.issue(one), Time{1000s});
            ASSERT_TRUE(verified);
            ASSERT_EQ((*verified)->tier, one.tier);
        }
    }
}

}  // namespace sluice::auth
