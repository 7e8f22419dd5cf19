// JSON Pointer (RFC 6901) into JSON text: the bytes of the value it leads to, as they stand there. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::json {

class TextPointer {
public:
    /// Throws std::invalid_argument whose text goes on from `'…' `: `must be empty or begin with '/'`.
    explicit TextPointer(std::string_view pointer);

    /// The whole value for the empty pointer; nothing: it leads nowhere. `json` must be well-formed, and of members with the
    /// same name the last one counts. Linear in the text.
    std::optional<std::string_view> find(std::string_view json) const;

private:
    std::vector<std::string> steps_;
};

/// Whether the text is one JSON value (RFC 8259), in UTF-8 and with nothing behind it. Without recursion.
bool is_json(std::string_view text);

}  // namespace sluice::json
