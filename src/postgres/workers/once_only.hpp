// A write with an idempotency key: it is done once, and its answer is kept in its transaction to be given again.
#pragma once

#include "postgres/schema/idempotency.hpp"
#include "postgres/workers/write_participant.hpp"

namespace sluice::postgres {

class OnceOnly final : public WriteParticipant {
public:
    /// Both outlive this.
    OnceOnly(KeptAnswers& kept, const IdempotencyKey& key) : kept_{kept}, key_{key} {}

    std::optional<Ended> prepare(TimePoint limit) override;
    std::optional<Ended> before(TimePoint limit) override;
    std::optional<Ended> before_commit(Written& written, TimePoint limit) override;

private:
    KeptAnswers& kept_;
    const IdempotencyKey& key_;
};

/// What was found under the key, for the write. Nothing: it goes on.
std::optional<Ended> ended_by(KeptAnswers::Found found);

}  // namespace sluice::postgres
