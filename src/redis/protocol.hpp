// RESP2 on the wire. Hides hiredis.
#pragma once

#include "redis/reply.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct redisReader;

namespace sluice::redis {

/// Appends the command as Redis reads it.
void append_command(std::string& out, Command command);

/// The peer does not speak RESP2, or sends more than we hold.
class ProtocolError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Makes replies of the bytes that arrive, however they are cut.
class ReplyReader {
public:
    ReplyReader();

    void feed(std::string_view bytes);
    /// The next complete reply, if there is one. Throws ProtocolError; the connection is of no use then.
    std::optional<Value> next();

private:
    struct Free {
        void operator()(redisReader* reader) const noexcept;
    };
    std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace sluice::redis
