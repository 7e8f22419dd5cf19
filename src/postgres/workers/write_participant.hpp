// What takes part in a write's transaction beside its statement: the rows that invalidate, an idempotency key, a condition.
// Each is a file of its own, and a list holds those that a write has.
#pragma once

#include "policy/changes.hpp"
#include "postgres/connection/connection.hpp"
#include "sluice/ports/database.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::postgres {

struct Written {
    QueryResult result;
    std::vector<policy::Invalidation> invalidations;
    std::optional<DatabaseError> refused = std::nullopt;  ///< by its idempotency key or condition: nothing was done
};

/// A write that comes to nothing: its transaction is rolled back, and this is its answer.
struct Ended {
    std::optional<DatabaseError> refused;           ///< nothing: `kept` is the answer
    std::optional<KeptAnswer> kept = std::nullopt;  ///< of the write that was done before
    bool tells_position = false;                    ///< if the write asks for it
};

/// The parts come in this order, each once, and what one of them returns ends the write. They throw ConnectionLost and
/// SqlError; after that the transaction is rolled back as well, and perhaps begun again with participants made anew.
class WriteParticipant {
public:
    virtual ~WriteParticipant() = default;

    /// Before the transaction: prepares texts, of which one that is refused would abort it.
    virtual std::optional<Ended> prepare(TimePoint /*limit*/) { return std::nullopt; }
    /// In it, before the statement.
    virtual std::optional<Ended> before(TimePoint /*limit*/) { return std::nullopt; }
    /// `rows`: what the statement returned and `written.result` was made of.
    virtual void after_statement(Written& /*written*/, const Rows& /*rows*/, TimePoint /*limit*/) {}
    virtual std::optional<Ended> before_commit(Written& /*written*/, TimePoint /*limit*/) { return std::nullopt; }
};

/// They are asked in the order in which they were added, until one ends the write.
class WriteParticipants {
public:
    void add(std::unique_ptr<WriteParticipant> participant) { all_.push_back(std::move(participant)); }

    std::optional<Ended> prepare(TimePoint limit) {
        return until_one_ends([&](WriteParticipant& one) { return one.prepare(limit); });
    }
    std::optional<Ended> before(TimePoint limit) {
        return until_one_ends([&](WriteParticipant& one) { return one.before(limit); });
    }
    void after_statement(Written& written, const Rows& rows, TimePoint limit) {
        for (const auto& one : all_) one->after_statement(written, rows, limit);
    }
    std::optional<Ended> before_commit(Written& written, TimePoint limit) {
        return until_one_ends([&](WriteParticipant& one) { return one.before_commit(written, limit); });
    }

private:
    template <class Ask>
    std::optional<Ended> until_one_ends(const Ask& ask) {
        for (const auto& one : all_) {
            if (auto ended = ask(*one)) return ended;
        }
        return std::nullopt;
    }

    std::vector<std::unique_ptr<WriteParticipant>> all_;
};

}  // namespace sluice::postgres
