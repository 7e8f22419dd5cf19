#include "http/spare_descriptors.hpp"

#include <gtest/gtest.h>

namespace sluice::http {

TEST(SpareDescriptors, EachIsGivenUpOnceUntilItIsOpenedAgain) {
    SpareDescriptors spares{2};
    EXPECT_FALSE(spares.give_one_up()) << "none was opened yet";
    for (int round = 0; round < 3; ++round) {
        spares.refill();
        spares.refill();
        EXPECT_TRUE(spares.give_one_up());
        EXPECT_TRUE(spares.give_one_up());
        EXPECT_FALSE(spares.give_one_up());
    }
}

}  // namespace sluice::http
