#include "postgres/invalidation_writer.hpp"

#include "postgres/single_statement.hpp"

#include <charconv>

namespace sluice::postgres {
namespace {

constexpr Duration patience = std::chrono::seconds{10};

std::string_view word(Invalidation::Kind kind) noexcept {
    switch (kind) {
        case Invalidation::Kind::tag:
            return "tag";
        case Invalidation::Kind::glob:
            return "glob";
        case Invalidation::Kind::all:
            break;
    }
    return "all";
}

}  // namespace

Invalidation record_invalidation(const std::string& url, Invalidation::Kind kind, std::string_view name) {
    const auto rows = run_single(url, "insert into sluice.invalidation (kind, name) values ($1, $2) returning id, xid::text",
                                 {std::string{word(kind)}, std::string{name}}, patience);
    Invalidation recorded{0, 0, kind, std::string{name}};
    const auto& id = rows.at(0).at(0).value();
    const auto& xid = rows.at(0).at(1).value();
    std::from_chars(id.data(), id.data() + id.size(), recorded.id);
    std::from_chars(xid.data(), xid.data() + xid.size(), recorded.xid);
    return recorded;
}

}  // namespace sluice::postgres
