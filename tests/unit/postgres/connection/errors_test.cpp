#include "postgres/connection/errors.hpp"

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
             Case{"57P01", Verdict::rejected},        // admin_shutdown, raised by a function: the session goes on
             Case{"57P03", Verdict::rejected},        // cannot_connect_now, of a foreign table's server
             Case{"53300", Verdict::rejected},        // too_many_connections, likewise
             Case{"08001", Verdict::rejected},        // sqlclient_unable_to_establish_sqlconnection, likewise
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
    EXPECT_EQ(to_database_error(SqlError{"x", "57P01"}).kind, DatabaseError::Kind::rejected);
    EXPECT_EQ(to_database_error(ConnectionLost{"x", "57P01"}).kind, DatabaseError::Kind::unavailable);
}

TEST(ConnectionLost, SaysWhetherTheServerHasNoRoom) {
    EXPECT_TRUE((says_no_room(ConnectionLost{"FATAL:  too many connections for role \"app\"", "53300"})));
    EXPECT_TRUE((says_no_room(ConnectionLost{"FATAL:  no more connections allowed (max_client_conn)", "08P01"})));
    EXPECT_FALSE((says_no_room(ConnectionLost{"FATAL:  the database system is starting up", "57P03"})));
    EXPECT_FALSE(says_no_room(ConnectionLost{"Connection refused"}));
}

TEST(StateInMessage, IsReadInAnyLanguage) {
    EXPECT_EQ(state_in_message("connection to server at \"::1\", port 5432 failed: FATAL:  53300: too many connections"),
              "53300");
    EXPECT_EQ(state_in_message("FATAL:  28P01: Passwort-Authentifizierung fehlgeschlagen\nLOCATION:  auth_failed"), "28P01");
    EXPECT_EQ(state_in_message("connection to server failed: Connection refused"), "");
    EXPECT_EQ(state_in_message("x:  12"), "");
    EXPECT_EQ(state_in_message("x:  12345"), "");
    EXPECT_EQ(state_in_message(""), "");
}

TEST(OutdatedTypes, MayBeTheReasonForWhatABadValueIsToldAsWell) {
    for (const auto* sqlstate : {"22003", "22P02", "22007", "42883", "42804", "42704", "42P01", "42703", "42725", "XX000"})
        EXPECT_TRUE(may_come_of_outdated_types(sqlstate)) << sqlstate;
    for (const auto* sqlstate :
         {"", "23505", "23514", "25006", "40001", "42501", "57014", "57P01", "53300", "P0001", "XX001"})
        EXPECT_FALSE(may_come_of_outdated_types(sqlstate)) << sqlstate;
}

}  // namespace sluice::postgres
