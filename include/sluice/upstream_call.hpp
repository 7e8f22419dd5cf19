// A request to an HTTP service as a route declares it, as plain data.
#pragma once

#include "sluice/request.hpp"
#include "sluice/source_location.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// A text that a request's values are filled into: `:name` alone stands for the value, `{name}` within a text for its text.
struct FilledText {
    std::string text;
    SourceLocation location;
};

struct UpstreamCall {
    struct Field {
        std::string name;
        FilledText value;  ///< without a value for one of its names the field is left out
    };

    SourceLocation location;
    std::string service;  ///< a name of `upstreams`
    SourceLocation service_location;
    std::optional<Method> method;  ///< nothing: the route's
    FilledText path;               ///< each value is one segment, or a part of one
    std::vector<Field> query;
    std::vector<Field> headers;
    std::optional<FilledText> body;  ///< JSON, in which a string `":name"` stands for a value; nothing: the request's own
    std::string pick;                ///< JSON pointer (RFC 6901) to what is answered; empty: all
};

}  // namespace sluice
