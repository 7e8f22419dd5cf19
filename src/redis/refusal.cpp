#include "redis/refusal.hpp"

#include <algorithm>
#include <array>

namespace sluice::redis {
namespace {

using Kind = Refusal::Kind;

struct Rule {
    std::string_view beginning;
    Refusal refusal;
};

constexpr std::array rules{
    // It has not read its data yet, or cannot serve them.
    Rule{"LOADING ", {Kind::server, "LOADING"}},
    Rule{"MASTERDOWN ", {Kind::server, "MASTERDOWN"}},
    Rule{"CLUSTERDOWN ", {Kind::server, "CLUSTERDOWN"}},
    // A script that does not end keeps all others waiting.
    Rule{"BUSY ", {Kind::server, "BUSY"}},
    // The wrong server: a replica, since the roles were changed, or one of a cluster that has the key elsewhere.
    Rule{"READONLY ", {Kind::server, "READONLY"}},
    Rule{"MOVED ", {Kind::server, "MOVED"}},
    Rule{"ASK ", {Kind::server, "ASK"}},
    // We are nobody there, or not let in.
    Rule{"NOAUTH ", {Kind::server, "NOAUTH"}},
    Rule{"WRONGPASS ", {Kind::server, "WRONGPASS"}},
    Rule{"DENIED ", {Kind::server, "DENIED"}},
    Rule{"ERR max number of clients", {Kind::server, "MAXCLIENTS"}},
    // Reads go on.
    Rule{"OOM ", {Kind::writes, "OOM"}},
    Rule{"MISCONF ", {Kind::writes, "MISCONF"}},
    Rule{"NOREPLICAS ", {Kind::writes, "NOREPLICAS"}},
    // One right, or one command of a restricted server, may be missing; or all of them.
    Rule{"NOPERM ", {Kind::doubtful, "NOPERM"}},
    Rule{"ERR The user executing the script can't", {Kind::doubtful, "NOPERM"}},
    Rule{"ERR unknown command", {Kind::doubtful, "UNKNOWN"}},
};

Refusal look_up(std::string_view error) noexcept {
    const auto found =
        std::find_if(rules.begin(), rules.end(), [error](const Rule& rule) { return error.starts_with(rule.beginning); });
    return found == rules.end() ? Refusal{} : found->refusal;
}

/// Of `ERR Error running script (call to f_…): @user_script:3: @user_script: 3: -READONLY You …`, which servers before
/// version 7 answer, the end. Empty: it is none.
std::string_view error_within(std::string_view error) noexcept {
    if (!error.starts_with("ERR Error running script")) return {};
    const auto mark = error.rfind(": -");
    return mark == std::string_view::npos ? std::string_view{} : error.substr(mark + 3);
}

}  // namespace

Refusal judge_error(std::string_view error, std::string_view verb) noexcept {
    // Redis does not know a script that it is given by name: it is sent in full. What is sent in full it must know.
    if (error.starts_with("NOSCRIPT")) {
        if (verb == "EVALSHA") return {};
        return {Kind::server, "NOSCRIPT"};
    }
    if (const auto inner = error_within(error); !inner.empty()) error = inner;
    return look_up(error);
}

}  // namespace sluice::redis
