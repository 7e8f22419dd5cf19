// How a request's values are spelled in the tags of its route. Hides which types need PostgreSQL for it, and that it is
// asked.
#pragma once

#include "endpoints/route_tags.hpp"
#include "endpoints/tag_types.hpp"
#include "sluice/ports/database.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::endpoints {

class TagSpelling {
public:
    /// `tags` outlives it. `learned`: what is known of the parameters' types; null: nothing. Registers a statement, unless
    /// the tags are constant.
    TagSpelling(const RouteTags& tags, std::string route, Database& database, const TagTypes* learned);

    struct Spelled {
        std::vector<Spellings> values;
        std::optional<DatabaseError> unspelled;  ///< why they are not known
    };
    /// Values that only PostgreSQL can spell cost a statement more.
    awaitable<Spelled> spell(std::vector<std::optional<std::string>> values, Deadline deadline) const;

private:
    awaitable<std::string> ask(const RouteTags::Spelled& spelled, std::optional<DatabaseError>& why,
                               Deadline deadline) const;

    const RouteTags& tags_;
    const std::string route_;
    Database& database_;
    const TagTypes* learned_;
    StatementId statement_;
    mutable std::atomic<Duration::rep> ask_from_{0};  // before: the functions for it were missing a moment ago
};

}  // namespace sluice::endpoints
