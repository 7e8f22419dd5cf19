// What an error that Redis answers with says: something about the one command, or about the server that we talk to. Pure.
#pragma once

#include <string_view>

namespace sluice::redis {

struct Refusal {
    enum class Kind {
        command,   // the command or its key is wrong; others may succeed
        doubtful,  // perhaps the command alone, perhaps everything: a trial of what we need tells
        writes,    // the server answers reads and refuses writes
        server,    // this server is of no use now, or is the wrong one: connect anew
    };
    Kind kind = Kind::command;
    std::string_view reason{};  ///< Redis' code, one of a few, for log, metric and health; empty for a command's
};

/// `error`: Redis' text. `verb`: the command's name, in capitals. An error within a script, which older servers wrap into
/// one of their own, counts as itself.
Refusal judge_error(std::string_view error, std::string_view verb) noexcept;

}  // namespace sluice::redis
