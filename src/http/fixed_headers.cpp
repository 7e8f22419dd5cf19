#include "http/fixed_headers.hpp"

#include <algorithm>

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
    const auto is_own = [&](const Field& field) { return own.find(field.name).has_value(); };
    if (std::none_of(fields_.begin(), fields_.end(), is_own)) {
        out.append(all_);
        return;
    }
    for (const auto& field : fields_) {
        if (!is_own(field)) out.append(field.line);
    }
}

}  // namespace sluice::http
