// What Redis answered, or why it did not.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

/// A command and its arguments, binary safe. Need only live until the call is awaited.
using Command = std::span<const std::string_view>;

/// A RESP2 value.
struct Value {
    enum class Kind {
        nil,      // no such key, a false condition
        integer,  // `integer`
        string,   // `text`: a bulk or a simple string
        array,    // `elements`
        error,    // `text`: Redis' message, whose first word is its code
    };
    Kind kind = Kind::nil;
    std::int64_t integer = 0;
    std::string text;
    std::vector<Value> elements;
};

/// Whether it is an array of so many integers, as scripts answer.
inline bool holds_integers(const Value& value, std::size_t count) noexcept {
    return value.kind == Value::Kind::array && value.elements.size() == count &&
           std::all_of(value.elements.begin(), value.elements.end(),
                       [](const Value& element) { return element.kind == Value::Kind::integer; });
}

enum class Status {
    ok,           // Redis answered: see the value
    error,        // Redis answered with an error: the value's text; the connection is fine
    timed_out,    // no answer by the deadline; a command sent may still be carried out
    unavailable,  // not connected, or disconnected before the answer, or too much waits already
};

struct Reply {
    Status status = Status::unavailable;
    Value value;
    bool sent = false;  ///< whether the command was written to a connection; false: it has had no effect
};

}  // namespace sluice::redis
