#include "postgres/pipelined_connection.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/socket.h>

#include <array>
#include <utility>

namespace sluice::postgres {
namespace {

using Kind = BatchProgress::Kind;
using boost::system::error_code;

constexpr unsigned most_tries = 4;  // of one read, for its own errors

SqlError error_in(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return SqlError{one_line(PQresultErrorMessage(result)), state != nullptr ? state : ""};
}

int duplicate(int socket) {
    const int made = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (made < 0) throw ConnectionLost{"no file descriptor left"};
    return made;
}

}  // namespace

PipelinedConnection::PipelinedConnection(Executor executor, std::unique_ptr<Session> session, Owner& owner)
    : session_{std::move(session)},
      native_{session_->connection().native()},
      owner_{&owner},
      labels_{session_->keeps_invalidations()},
      made_at_{Clock::now()},
      socket_{executor, duplicate(session_->connection().socket())} {
    if (PQsetnonblocking(native_, 1) != 0 || PQenterPipelineMode(native_) == 0)
        throw ConnectionLost{one_line(PQerrorMessage(native_))};
    session_->connection().hold(held_);
}

void PipelinedConnection::start() { wait_readable(); }

int PipelinedConnection::backend() const noexcept { return PQbackendPID(native_); }

void PipelinedConnection::close() noexcept {
    if (!session_) return;
    owner_ = nullptr;
    batch_.clear();
    unanswered_ = 0;
    error_code ignored;
    socket_.close(ignored);
    ::shutdown(session_->connection().socket(), SHUT_RDWR);  // so that saying goodbye cannot block
    held_.reset();
    session_.reset();
}

void PipelinedConnection::send(Batch batch) {
    batch_ = std::move(batch);
    sent_at_ = Clock::now();
    unanswered_ = batch_.size();
    if (encode_batch(false)) return flush();
    lose(one_line(PQerrorMessage(native_)));
}

bool PipelinedConnection::encode_batch(bool each_alone) {
    told_.assign(batch_.size(), false);
    progress_.start();
    for (std::size_t i = 0; i < batch_.size(); ++i) {
        if (!encode(i)) return false;
        if (!each_alone && i + 1 < batch_.size()) continue;
        if (PQpipelineSync(native_) == 0) return false;
        progress_.sent({Kind::sync});
    }
    return true;
}

PipelinedConnection::Text& PipelinedConnection::text_of(const PipelinedRead& read) {
    return texts_[{read.query->statement, step_to(read.query->page)}];
}

bool PipelinedConnection::encode(std::size_t index) {
    auto& read = *batch_[index];
    ++read.tries;
    auto& text = text_of(read);
    const auto step = step_to(read.query->page);
    const bool label = labelled(read);
    const auto name = prepared_name(read.query->statement, step, label);
    if (text.state == Prepared::outdated) {
        const auto forget = "deallocate " + name;
        if (PQsendQueryParams(native_, forget.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0) return false;
        progress_.sent({Kind::prepare, index});
    }
    if (text.state != Prepared::yes) {
        const auto& statement = read.statement;
        const auto rendered = label ? statement.labelled(text.hints, step) : statement.plain(text.hints, step);
        if (PQsendPrepare(native_, name.c_str(), rendered.text.c_str(), 0, nullptr) == 0) return false;
        progress_.sent({Kind::prepare, index});
        text.state = Prepared::yes;  // for those behind it; if it fails they are skipped with it
    }
    auto values = arguments(read.statement, *read.query);
    if (label) values.emplace_back(array_literal(read.query->tags));
    const auto parameters = pointers(values);
    if (PQsendQueryPrepared(native_, name.c_str(), static_cast<int>(parameters.size()), parameters.data(), nullptr, nullptr,
                            0) == 0)
        return false;
    progress_.sent({Kind::read, index});
    return true;
}

void PipelinedConnection::flush() {
    if (writing_) return;
    const int left = PQflush(native_);
    if (left < 0) return lose(one_line(PQerrorMessage(native_)));
    if (left == 0) return;
    writing_ = true;
    socket_.async_wait(Descriptor::wait_write, [self = shared_from_this()](const error_code& error) {
        self->writing_ = false;
        if (error || self->owner_ == nullptr) return;
        self->flush();
    });
}

void PipelinedConnection::wait_readable() {
    socket_.async_wait(Descriptor::wait_read, [self = shared_from_this()](const error_code& error) {
        if (error || self->owner_ == nullptr) return;
        self->on_readable();
    });
}

void PipelinedConnection::on_readable() {
    const auto now = Clock::now();
    took_ = {now - sent_at_, batch_.empty() ? Duration::zero() : (now - sent_at_) / static_cast<int>(batch_.size())};
    if (PQconsumeInput(native_) == 0) return lose(one_line(PQerrorMessage(native_)));
    while (!progress_.over() && PQisBusy(native_) == 0) {
        const ResultPointer result{PQgetResult(native_)};
        if (!result) continue;  // parts one statement's result from the next
        if (!take(result.get())) return;
    }
    if (idle()) {
        PQisBusy(native_);  // parses what the server says by itself
    } else if (progress_.over()) {
        resend();
        if (owner_ == nullptr) return;
    }
    wait_readable();
    owner_->progressed(*this);
}

// False: the connection was lost over it.
bool PipelinedConnection::take(pg_result* result) {
    const auto step = *progress_.next();
    const auto status = PQresultStatus(result);
    if ((status == PGRES_PIPELINE_SYNC) != (step.kind == Kind::sync)) {
        lose("the server answers out of turn");
        return false;
    }
    switch (status) {
        case PGRES_PIPELINE_SYNC:
            progress_.answered();
            return true;
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
            progress_.answered();
            if (step.kind == Kind::prepare) return true;
            break;
        case PGRES_PIPELINE_ABORTED:
            if (step.kind == Kind::prepare) text_of(*batch_[step.read]).state = Prepared::no;
            progress_.skipped(told_[step.read]);
            return true;
        case PGRES_FATAL_ERROR:
            take_error(result, step);
            return owner_ != nullptr;
        default:
            lose("an answer that makes no sense");
            return false;
    }
    auto& read = *batch_[step.read];
    told_[step.read] = true;
    --unanswered_;
    auto rows = to_rows(*result);
    const auto& spec = read.statement.spec();
    owner_->answered(read, labelled(read) ? take_labelled_result(spec, rows) : take_result(spec, rows), took_);
    return true;
}

void PipelinedConnection::take_error(pg_result* result, BatchProgress::Step step) {
    auto& read = *batch_[step.read];
    const auto error = error_in(result);
    if (judge(error.sqlstate()) == Verdict::server_gone) return lose(error.what());
    auto& text = text_of(read);
    bool again = false;
    const auto& state = error.sqlstate();
    if (step.kind == Kind::prepare) {
        const bool there = state == "42P05";  // or, with 26000, not there: the server and we disagree
        text.state = there ? Prepared::outdated : Prepared::no;
        again = learn_hint(error, read.statement, text.hints) || ((there || state == "26000") && read.tries < most_tries);
    } else if (state == "0A000" || state == "26000") {
        // "cached plan must not change result type", "prepared statement does not exist": right again once prepared anew.
        // Not its own failure if it relied on another read of the batch to prepare it, whose text was refused for now.
        const bool others = state == "26000" && text.state == Prepared::no;
        text.state = state == "0A000" ? Prepared::outdated : Prepared::no;
        again = others || read.tries < most_tries;
    }
    if (again) return progress_.failed_for_now();
    progress_.answered();
    told_[step.read] = true;
    --unanswered_;
    owner_->failed(read, error, took_);
}

void PipelinedConnection::resend() {
    Batch again;
    for (const auto index : progress_.again()) {
        if (told_[index] || batch_[index]->given_up()) continue;
        again.push_back(std::move(batch_[index]));
    }
    batch_ = std::move(again);
    unanswered_ = batch_.size();
    if (batch_.empty()) return;
    sent_at_ = Clock::now();
    if (encode_batch(true)) return flush();
    lose(one_line(PQerrorMessage(native_)));
}

void PipelinedConnection::give_up(const std::string& reason) { lose(reason); }

void PipelinedConnection::lose(const std::string& reason) {
    auto* owner = std::exchange(owner_, nullptr);
    if (owner == nullptr) return;
    Batch left;
    for (std::size_t i = 0; i < batch_.size(); ++i) {
        if (!told_[i]) left.push_back(std::move(batch_[i]));
    }
    const auto self = shared_from_this();  // the owner lets go of it
    close();
    owner->lost(*this, reason, left);
}

}  // namespace sluice::postgres
