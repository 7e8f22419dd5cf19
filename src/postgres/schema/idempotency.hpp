// Answers of writes kept under their clients' idempotency keys, in the transaction of the write itself. Hides the table, and
// the lock by which two transactions with one key find each other.
#pragma once

#include "postgres/connection/connection.hpp"
#include "sluice/ports/database.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluice::postgres {

/// The number of the advisory lock that stands for caller, route and key: the same on every instance.
std::int64_t lock_number(const IdempotencyKey& key);

/// The table as one connection uses it. All but `prepare` run within the write's transaction; after anything but `fresh` and
/// `true` that is to be rolled back. They throw ConnectionLost, and SqlError for what is not the table's absence.
class KeptAnswers {
public:
    explicit KeptAnswers(Connection& connection) : connection_{connection} {}

    /// Before the transaction. False: there is no table, or no right to it.
    bool prepare(TimePoint limit);

    struct Found {
        enum class What {
            fresh,          // nobody has used the key within its time: the lock is ours, run the statement
            kept,           // the write was done: its answer is here
            in_flight,      // another transaction with the key is under way
            other_payload,  // the key was used for something else
            no_table,       // there is no table, or no right to it
        };
        What what = What::fresh;
        KeptAnswer answer;
    };
    /// Takes the lock, then looks.
    Found find(const IdempotencyKey& key, TimePoint limit);

    /// After the statement. False: no table, or no right to it.
    bool keep(const IdempotencyKey& key, const KeptAnswer& answer, TimePoint limit);

private:
    Connection& connection_;
    bool prepared_ = false;
};

/// Deletes up to `most` answers whose time is over and returns how many they were; 0 without the table. Several at once do
/// not wait for each other.
std::size_t purge_kept_answers(Connection& connection, std::size_t most, TimePoint limit);

}  // namespace sluice::postgres
