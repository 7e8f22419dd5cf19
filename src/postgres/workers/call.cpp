#include "postgres/workers/call.hpp"

#include <utility>

namespace sluice::postgres {

Call::Call(const sql::Statement& statement_, std::shared_ptr<const Query> query_, Deadline deadline_,
           policy::CircuitBreaker::Permit permit_, runtime::OneShot<Reply> reply)
    : statement{statement_},
      query{std::move(query_)},
      deadline{deadline_},
      permit{std::move(permit_)},
      reply_{std::move(reply)} {}

Call::~Call() {
    if (answered_) return;
    permit.abandon();
    reply_.set({DatabaseError{DatabaseError::Kind::unavailable, {}, "stopping"}, false});
}

void Call::abandon() {
    const std::lock_guard lock{mutex_};
    abandoned_ = true;
}

void Call::cancel(Connection& over, TimePoint limit) {
    const std::lock_guard lock{mutex_};
    if (!abandoned_ || !backend_) return;
    over.execute("select pg_cancel_backend(" + std::to_string(*backend_) + ")", limit);
}

bool Call::begin(int backend) {
    const std::lock_guard lock{mutex_};
    if (abandoned_) return false;
    if (backend != 0) backend_ = backend;
    return true;
}

void Call::end() {
    const std::lock_guard lock{mutex_};
    backend_.reset();
}

void Call::answer(Reply reply) {
    answered_ = true;
    reply_.set(std::move(reply));
}

}  // namespace sluice::postgres
