// A write's condition: what must hold when it runs.
#pragma once

#include "postgres/workers/write_participant.hpp"

#include <functional>

namespace sluice::postgres {

class ConditionCheck final : public WriteParticipant {
public:
    /// How the session runs the statement that shows what the condition is about.
    struct Shown {
        std::function<void(TimePoint limit)> prepare;
        std::function<QueryResult(TimePoint limit)> read;
    };

    /// The condition outlives this.
    ConditionCheck(const Condition& condition, Shown shown) : condition_{condition}, shown_{std::move(shown)} {}

    std::optional<Ended> prepare(TimePoint limit) override {
        shown_.prepare(limit);
        return std::nullopt;
    }
    std::optional<Ended> before(TimePoint limit) override {
        if (condition_.holds(shown_.read(limit))) return std::nullopt;
        DatabaseError failed{DatabaseError::Kind::precondition_failed, {}, "its condition does not hold"};
        return Ended{std::move(failed), std::nullopt, true};
    }

private:
    const Condition& condition_;
    const Shown shown_;
};

}  // namespace sluice::postgres
