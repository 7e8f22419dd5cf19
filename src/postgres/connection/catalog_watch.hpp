// Notices when what the configured statements name in PostgreSQL's catalog becomes something else: a column of another type,
// another table by the same name. Hides what is asked of the catalog, and how often.
#pragma once

#include "postgres/connection/connection.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::postgres {

/// PostgreSQL infers a parameter's type when a text is prepared, and keeps it: planned anew for a table that has changed,
/// the text still takes its values as what they were. Only a text that is prepared anew has the types that fit.
///
/// One for each server, since a standby has the catalog that it has replayed. Of any thread, but for `watch`, `start_over`
/// and `look`. An ordinary role may ask all of it.
///
/// A survey, once in a while, finds by name the relations, types and functions that the statements may mean, and what these
/// stand on; a fingerprint, with every look, finds by index whether those are what they were. So a change to what is there
/// is noticed with the next look, and what takes its place by the search path, or one more function of a name, with the next
/// survey.
class CatalogWatch {
public:
    static constexpr Duration survey_every = std::chrono::seconds{2};

    /// The names to survey, from the next look on; without names there are no looks.
    void watch(std::vector<std::string> names);

    /// Grows with every change, with the first look, and when the names come to mean something else. What was prepared when
    /// it was lower is outdated: read it before you prepare.
    std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

    /// What was seen last is forgotten, as after a time without looks: the next one counts as a change.
    void start_over();
    /// Throws like Connection::execute.
    void look(Connection& connection, TimePoint now, TimePoint limit);

    /// The fingerprint, for whoever has a reason to look at once, on a connection of its own.
    struct Question {
        std::uint64_t survey = 0;  ///< of which it is
        std::string text;          ///< empty: there is nothing to ask yet
        Row values;
    };
    Question question() const;
    /// The answer to it. Asked after an error, the generation tells then whether that may be due to a change before it.
    void answered(const Question& question, const Rows& rows);

private:
    /// What kind of object, and its oid.
    using Objects = std::vector<std::pair<std::string, std::string>>;
    void survey(Connection& connection, TimePoint limit);
    std::string array_of(std::string_view kind) const;

    std::string names_;  // an array; empty: none
    std::atomic<std::uint64_t> generation_{0};
    mutable std::mutex mutex_;  // guards what follows
    TimePoint next_survey_{};
    bool surveyed_ = false;
    std::uint64_t survey_ = 0;  // grows when another one finds something else
    Objects found_;             // sorted
    Value fingerprint_;         // of what was found
};

}  // namespace sluice::postgres
