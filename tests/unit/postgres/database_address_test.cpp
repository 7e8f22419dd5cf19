#include "postgres/connection/database_identity.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

TEST(DatabaseAddress, IsTheSameHoweverTheUrlIsWritten) {
    const std::string wanted = "db.internal:5432/shop";
    for (const auto* url : {
             "postgresql://db.internal/shop",
             "postgres://app:secret@DB.Internal:5432/shop?connect_timeout=3",
             "host=db.internal port=5432 dbname=shop user=other password=secret",
             "postgresql://shop@db.internal.",
             "host=tls-name hostaddr=db.internal dbname=shop",
         }) {
        EXPECT_EQ(database_address(url, "machine"), wanted) << url;
    }
}

TEST(DatabaseAddress, ToldApartAreHostPortAndDatabase) {
    EXPECT_EQ(database_address("postgresql://a:5433/shop", "m"), "a:5433/shop");
    EXPECT_EQ(database_address("postgresql://b:5433/shop", "m"), "b:5433/shop");
    EXPECT_EQ(database_address("postgresql://a:5433/stock", "m"), "a:5433/stock");
    EXPECT_EQ(database_address("postgresql://a:1,b:2/shop", "m"), "a,b:1,2/shop");
}

// What these mean depends on where one asks.
TEST(DatabaseAddress, AHostOfEachMachinesOwnHasTheMachineBesideIt) {
    EXPECT_EQ(database_address("postgresql://localhost/shop", "alpha"), "alpha localhost:5432/shop");
    EXPECT_EQ(database_address("postgresql://127.0.0.1:1/shop", "alpha"), "alpha 127.0.0.1:1/shop");
    EXPECT_EQ(database_address("postgresql://[::1]/shop", "alpha"), "alpha ::1:5432/shop");
    EXPECT_EQ(database_address("host=/run/postgresql dbname=shop", "alpha"), "alpha /run/postgresql:5432/shop");
}

TEST(DatabaseAddress, HoldsNoCredentials) {
    const auto address = database_address("postgresql://user:hunter2@h/shop", "m");
    EXPECT_EQ(address.find("hunter2"), std::string::npos);
    EXPECT_EQ(address.find("user"), std::string::npos);
}

}  // namespace
}  // namespace sluice::postgres
