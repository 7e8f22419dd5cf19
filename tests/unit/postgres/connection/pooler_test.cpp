#include "postgres/connection/pooler.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {

TEST(Pooler, TheAddressSaysWhetherThereIsOne) {
    const std::string direct = "postgresql://app@db/shop";
    EXPECT_FALSE(is_behind_pooler(direct));
    EXPECT_EQ(without_pooler(direct), direct);
    const auto behind = behind_pooler(direct);
    EXPECT_TRUE(is_behind_pooler(behind));
    EXPECT_EQ(without_pooler(behind), direct);
    EXPECT_EQ(behind_pooler(behind), behind);
    EXPECT_FALSE(is_behind_pooler(""));
    EXPECT_FALSE(is_behind_pooler("host=db dbname=transaction-pooler:"));
}

}  // namespace sluice::postgres
