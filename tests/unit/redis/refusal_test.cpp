#include "redis/refusal.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::redis {
namespace {

using Kind = Refusal::Kind;

struct Case {
    std::string_view error;
    Kind kind;
    std::string_view reason;
    std::string_view verb = "SET";
};

TEST(Refusal, IsJudgedByWhatRedisSays) {
    // As Redis 7.0 writes them, but for the last of READONLY, which is Redis 6's.
    const std::vector<Case> cases{
        {"LOADING Redis is loading the dataset in memory", Kind::server, "LOADING"},
        {"READONLY You can't write against a read only replica.", Kind::server, "READONLY"},
        {"READONLY You can't write against a read only replica. script: 1f8f, on @user_script:1.", Kind::server, "READONLY",
         "EVALSHA"},
        {"ERR Error running script (call to f_1f8f): @user_script:1: @user_script: 1: -READONLY You can't write against a "
         "read only replica.",
         Kind::server, "READONLY", "EVAL"},
        {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", Kind::server, "MASTERDOWN"},
        {"CLUSTERDOWN The cluster is down", Kind::server, "CLUSTERDOWN"},
        {"MOVED 3999 127.0.0.1:6381", Kind::server, "MOVED"},
        {"ASK 3999 127.0.0.1:6381", Kind::server, "ASK"},
        {"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", Kind::server, "BUSY"},
        {"NOAUTH Authentication required.", Kind::server, "NOAUTH"},
        {"WRONGPASS invalid username-password pair or user is disabled.", Kind::server, "WRONGPASS", "AUTH"},
        {"DENIED Redis is running in protected mode because protected mode is enabled", Kind::server, "DENIED", "PING"},
        {"ERR max number of clients reached", Kind::server, "MAXCLIENTS", "PING"},
        {"NOSCRIPT No matching script. Please use EVAL.", Kind::command, "", "EVALSHA"},
        {"NOSCRIPT No matching script. Please use EVAL.", Kind::server, "NOSCRIPT", "EVAL"},
        {"OOM command not allowed when used memory > 'maxmemory'.", Kind::writes, "OOM"},
        {"OOM command not allowed when used memory > 'maxmemory'. script: b728, on @user_script:1.", Kind::writes, "OOM",
         "EVALSHA"},
        {"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", Kind::writes,
         "MISCONF"},
        {"NOREPLICAS Not enough good replicas to write.", Kind::writes, "NOREPLICAS"},
        {"NOPERM this user has no permissions to run the 'set' command", Kind::doubtful, "NOPERM"},
        {"ERR The user executing the script can't run this command or subcommand script: 1f8f, on @user_script:1.",
         Kind::doubtful, "NOPERM", "EVALSHA"},
        {"ERR unknown command 'EVALSHA', with args beginning with: ", Kind::doubtful, "UNKNOWN", "EVALSHA"},
        // What a single key or command is to blame for.
        {"WRONGTYPE Operation against a key holding the wrong kind of value", Kind::command, ""},
        {"WRONGTYPE Operation against a key holding the wrong kind of value script: 620c, on @user_script:1.", Kind::command,
         "", "EVALSHA"},
        {"ERR user_script:1: attempt to perform arithmetic on a nil value script: d13b, on @user_script:1.", Kind::command,
         "", "EVALSHA"},
        {"ERR value is not an integer or out of range", Kind::command, ""},
        {"ERR syntax error", Kind::command, ""},
        {"CROSSSLOT Keys in request don't hash to the same slot", Kind::command, ""},
        {"", Kind::command, ""},
        {"OOMPH is no code of Redis'", Kind::command, ""},
        {"ERR Error running script (call to f_1): @user_script:1: user_script:1: no such thing", Kind::command, "", "EVAL"},
    };
    for (const auto& [error, kind, reason, verb] : cases) {
        const auto refusal = judge_error(error, verb);
        EXPECT_EQ(refusal.kind, kind) << error;
        EXPECT_EQ(refusal.reason, reason) << error;
    }
}

}  // namespace
}  // namespace sluice::redis
