// A configuration file as a tree that remembers where everything stood. Hides yaml-cpp from the rest of the folder.
#pragma once

#include "sluice/settings.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

struct Member;

/// A YAML value, aliases and merge keys resolved.
struct Node {
    enum class Kind {
        null,      // nothing, `~` or `null`
        scalar,    // `text`, whatever it may mean
        sequence,  // `items`
        mapping,   // `members`
    };
    Kind kind = Kind::null;
    SourceLocation location;
    std::string text;
    bool plain = false;     ///< neither quoted nor tagged nor a block: may be a number or a boolean
    bool expanded = false;  ///< an environment variable took part
    bool hidden = false;    ///< may be a secret: no message repeats its text (config/hidden_values.hpp)
    std::string variable;   ///< the first environment variable whose value is in `text`
    bool broken = false;    ///< already reported: readers stay silent about it
    /// Which part of `text` stems from which of `source`, the scalar before environment variables were put in, in order.
    /// `length`: bytes that were copied; of a variable's value 0.
    struct Part {
        std::size_t text;
        std::size_t source;
        std::size_t length;
    };
    std::string source;       ///< if `expanded`
    std::vector<Part> parts;  ///< the same
    std::vector<Node> items;
    std::vector<Member> members;  ///< in the order of the file, no name twice

    bool is(Kind wanted) const noexcept { return kind == wanted; }
    /// The member of that name, or null.
    const Node* find(std::string_view name) const noexcept;
};

struct Member {
    std::string name;
    SourceLocation location;
    Node value;
};

struct Document {
    std::string name;                ///< as messages call the file
    std::vector<std::string> lines;  ///< the source, for places inside of a scalar
    Node root;
};

/// What a plain scalar is by YAML 1.2's core schema, as JSON has it.
enum class ScalarType {
    null,
    boolean,  // true, false (and True, TRUE, …)
    integer,  // -?digits
    number,   // with fraction or exponent
    string,   // anything else, and all that is quoted
};
ScalarType type_of(const Node& scalar) noexcept;

/// `a list`, `a mapping`, `nothing` or the text in quotes: how messages speak of a value. A hidden text is named, never
/// shown.
std::string describe(const Node& node);
/// The same, where another kind of value is wanted: of a text only that it is one. Whatever stands in a wrong place may be a
/// secret.
std::string describe_kind(const Node& node);

}  // namespace sluice::config
