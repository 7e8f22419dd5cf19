#include "postgres/workers/once_only.hpp"

#include <utility>

namespace sluice::postgres {
namespace {

Ended refused(DatabaseError::Kind kind, std::string message) { return {DatabaseError{kind, {}, std::move(message)}}; }

Ended keys_not_kept() {
    return refused(DatabaseError::Kind::keys_not_kept,
                   "no table sluice.idempotency, or no right to it: run `sluice migrate`");
}

}  // namespace

std::optional<Ended> ended_by(KeptAnswers::Found found) {
    using What = KeptAnswers::Found::What;
    switch (found.what) {
        case What::fresh:
            break;
        case What::kept:  // its position comes after the first one's, so it covers that
            return Ended{std::nullopt, std::move(found.answer), true};
        case What::in_flight:
            return refused(DatabaseError::Kind::in_flight, "its idempotency key is in use");
        case What::other_payload:
            return refused(DatabaseError::Kind::other_payload, "its idempotency key was used for something else");
        case What::no_table:
            return keys_not_kept();
    }
    return std::nullopt;
}

std::optional<Ended> OnceOnly::prepare(TimePoint limit) {
    if (!kept_.prepare(limit)) return keys_not_kept();
    return std::nullopt;
}

std::optional<Ended> OnceOnly::before(TimePoint limit) { return ended_by(kept_.find(key_, limit)); }

std::optional<Ended> OnceOnly::before_commit(Written& written, TimePoint limit) {
    written.result.kept = key_.answer(written.result);
    if (!kept_.keep(key_, *written.result.kept, limit)) return keys_not_kept();
    return std::nullopt;
}

}  // namespace sluice::postgres
