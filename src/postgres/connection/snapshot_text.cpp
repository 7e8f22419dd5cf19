#include "postgres/connection/snapshot_text.hpp"

#include <charconv>

namespace sluice::postgres {

Snapshot parse_snapshot(std::string_view text) {
    Snapshot snapshot;
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto next = [&] {
        std::uint64_t value = 0;
        at = std::from_chars(at, end, value).ptr;
        if (at != end) ++at;  // a colon or a comma
        return value;
    };
    next();  // xmin: the least that runs, or xmax
    snapshot.xmax = next();
    while (at != end) snapshot.running.push_back(next());
    return snapshot;
}

std::string running_literal(const Snapshot& snapshot) {
    std::string literal{"{"};
    for (const auto xid : snapshot.running) {
        if (literal.size() > 1) literal += ',';
        literal += std::to_string(xid);
    }
    return literal + '}';
}

}  // namespace sluice::postgres
