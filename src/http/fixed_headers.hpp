// Header fields that every answer carries unless it sets them itself. Written once, then copied.
#pragma once

#include "sluice/response.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice::http {

class FixedHeaders {
public:
    /// None.
    FixedHeaders() = default;
    /// Values by name. Throws std::invalid_argument if one holds CR, LF or NUL.
    explicit FixedHeaders(const std::map<std::string, std::string>& fields);

    /// Appends, in wire format, those that `own` does not have.
    void append_to(std::string& out, const HeaderBlock& own) const;

private:
    struct Field {
        std::string name;
        std::string line;
    };
    std::vector<Field> fields_;
    std::string all_;  // their lines
};

}  // namespace sluice::http
