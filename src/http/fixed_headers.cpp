#include "http/fixed_headers.hpp"

#include "sluice/request.hpp"

#include <algorithm>
#include <string_view>

namespace sluice::http {

FixedHeaders::FixedHeaders(const std::map<std::string, std::string>& fields) {
    for (const auto& [name, value] : fields) {
        HeaderBlock line;
        line.add(name, value);
        all_ += line.wire();
        fields_.push_back({name, line.wire()});
    }
}

void FixedHeaders::append_to(std::string& out, const HeaderBlock& own) const {
    if (!overlaps(own)) {
        out.append(all_);
        return;
    }
    for (const auto& field : fields_) {
        if (!own.find(field.name)) out.append(field.line);
    }
}

/// One pass over the answer's lines, whatever the number of fields: nearly always nothing is found.
bool FixedHeaders::overlaps(const HeaderBlock& own) const noexcept {
    for (std::string_view rest{own.wire()}; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
        const auto begins_here = [&](const Field& field) {
            const auto size = field.name.size();
            return rest.size() > size && rest[size] == ':' && equal_ignoring_case(rest.substr(0, size), field.name);
        };
        if (std::any_of(fields_.begin(), fields_.end(), begins_here)) return true;
    }
    return false;
}

}  // namespace sluice::http
