#include "postgres/errors.hpp"

#include <gtest/gtest.h>

namespace sluice::postgres {

TEST(Verdict, FollowsTheSqlstate) {
    struct Case {
        const char* sqlstate;
        Verdict verdict;
    };
    for (const auto& [sqlstate, verdict] : {
             Case{"23505", Verdict::rejected},        // unique_violation
             Case{"22P02", Verdict::rejected},        // invalid_text_representation
             Case{"25006", Verdict::rejected},        // read_only_sql_transaction
             Case{"57014", Verdict::timed_out},       // query_canceled
             Case{"40001", Verdict::retry},           // serialization_failure
             Case{"40P01", Verdict::retry},           // deadlock_detected
             Case{"40003", Verdict::rejected},        // statement_completion_unknown: not to be repeated
             Case{"57P01", Verdict::server_gone},     // admin_shutdown
             Case{"57P02", Verdict::server_gone},     // crash_shutdown
             Case{"57P03", Verdict::server_gone},     // cannot_connect_now
             Case{"53300", Verdict::server_gone},     // too_many_connections
             Case{"08006", Verdict::server_gone},     // connection_failure
             Case{"", Verdict::server_gone},          // the driver's own
             Case{"42P01", Verdict::no_bookkeeping},  // undefined_table
             Case{"3F000", Verdict::no_bookkeeping},  // invalid_schema_name
             Case{"42501", Verdict::no_bookkeeping},  // insufficient_privilege
         }) {
        EXPECT_EQ(judge(sqlstate), verdict) << sqlstate;
    }
}

TEST(DatabaseErrorOf, KeepsTheSqlstateOfRejections) {
    const auto rejected = to_database_error(SqlError{"duplicate key", "23505"});
    EXPECT_EQ(rejected.kind, DatabaseError::Kind::rejected);
    EXPECT_EQ(rejected.sqlstate, "23505");
    EXPECT_EQ(to_database_error(SqlError{"x", "40001"}).kind, DatabaseError::Kind::rejected) << "after the last repeat";
    EXPECT_EQ(to_database_error(SqlError{"x", "57014"}).kind, DatabaseError::Kind::timed_out);
    EXPECT_EQ(to_database_error(SqlError{"x", "57P01"}).kind, DatabaseError::Kind::unavailable);
    EXPECT_EQ(to_database_error(ConnectionLost{"x"}).kind, DatabaseError::Kind::unavailable);
}

TEST(OutdatedTypes, MayBeTheReasonForWhatABadValueIsToldAsWell) {
    for (const auto* sqlstate : {"22003", "22P02", "22007", "42883", "42804", "42704", "42P01", "42703", "42725", "XX000"})
        EXPECT_TRUE(may_come_of_outdated_types(sqlstate)) << sqlstate;
    for (const auto* sqlstate :
         {"", "23505", "23514", "25006", "40001", "42501", "57014", "57P01", "53300", "P0001", "XX001"})
        EXPECT_FALSE(may_come_of_outdated_types(sqlstate)) << sqlstate;
}

}  // namespace sluice::postgres
