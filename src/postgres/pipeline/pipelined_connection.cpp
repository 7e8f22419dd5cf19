#include "postgres/pipeline/pipelined_connection.hpp"

#include "postgres/pipeline/collapsed_statement.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/socket.h>

#include <utility>

namespace sluice::postgres {
namespace {

using Kind = BatchProgress::Kind;
using boost::system::error_code;

constexpr unsigned most_tries = 4;  // of one read, for its own errors

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
      encoder_{native_, session_->catalog(), session_->statements()},
      made_at_{Clock::now()},
      socket_{executor, duplicate(session_->connection().socket())} {
    PQsetErrorVerbosity(native_, PQERRORS_DEFAULT);
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
    labels_ = session_->label_source({});
    ReadEncoder::order(batch_);
    if (encode_batch(false)) return flush();
    lose(one_line(PQerrorMessage(native_)));
}

bool PipelinedConnection::encode_batch(bool each_alone) {
    told_.assign(batch_.size(), false);
    progress_.start();
    const bool ask_replayed = labels_.kind == LabelSource::Kind::replayed && !labels_.replayed;
    return encoder_.encode(batch_, each_alone, ask_replayed, progress_);
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
        if (error || self->owner_ == nullptr || !self->receive()) return;
        self->wait_readable();
        self->owner_->progressed(*self);
    });
}

void PipelinedConnection::look() {
    if (owner_ != nullptr && !idle() && receive()) owner_->progressed(*this);
}

// False: the connection was lost over it.
bool PipelinedConnection::receive() {
    const auto now = Clock::now();
    took_ = {now - sent_at_, batch_.empty() ? Duration::zero() : (now - sent_at_) / static_cast<int>(batch_.size())};
    if (PQconsumeInput(native_) == 0) {
        lose(one_line(PQerrorMessage(native_)));
        return false;
    }
    while (!progress_.over() && PQisBusy(native_) == 0) {
        const ResultPointer result{PQgetResult(native_)};
        if (!result) continue;  // parts one statement's result from the next
        if (!take(result.get())) return false;
    }
    if (idle()) {
        PQisBusy(native_);  // parses what the server says by itself
    } else if (progress_.over()) {
        resend();
    }
    return owner_ != nullptr;
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
            break;
        case PGRES_PIPELINE_ABORTED:
            take_skipped(step);
            return true;
        case PGRES_FATAL_ERROR:
            take_error(result, step);
            return owner_ != nullptr;
        default:
            lose("an answer that makes no sense");
            return false;
    }
    if (step.reads > 1 && step.kind == Kind::read) {
        take_collapsed(*result, step);
        return true;
    }
    if (step.kind == Kind::fingerprint) {
        settle_doubt(step, encoder_.are_outdated(to_rows(*result)));
        return owner_ != nullptr;
    }
    progress_.answered();
    if (step.kind == Kind::types) take_types(*result, step);
    if (step.kind == Kind::replayed) labels_ = session_->label_source(to_rows(*result).at(0).at(0));
    if (step.kind != Kind::read) return true;
    auto rows = to_rows(*result);
    const auto& spec = batch_[step.read]->statement.spec();
    tell(step.read, spec.labelled ? take_labelled_result(spec, rows, labels_) : take_result(spec, rows), took_);
    return true;
}

void PipelinedConnection::tell(std::size_t index, QueryResult result, Took took) {
    auto& read = *batch_[index];
    told(index);
    if (result.json.size() >= cut_on_loop(read.statement)) return owner_->outgrown(read, took);
    owner_->answered(read, std::move(result), took);
}

void PipelinedConnection::told(std::size_t index) {
    told_[index] = true;
    --unanswered_;
}

void PipelinedConnection::settle_doubt(const Step& step, bool outdated) {
    auto& read = *batch_[step.read];
    read.doubt = PipelinedRead::Doubt::settled;
    if (outdated) return progress_.failed_for_now();
    progress_.answered();
    told(step.read);
    owner_->failed(read, *read.error, took_);
}

void PipelinedConnection::take_types(const pg_result& result, const Step& step) {
    auto& text = encoder_.text_of(batch_, step);
    const auto& of_call = encoder_.text_of(batch_, {Kind::prepare, step.read});
    auto types = array_types(batch_[step.read]->statement, of_call.hints, to_rows(result));
    text.types = types ? PreparedTexts::Types::known : PreparedTexts::Types::unfit;
    if (types) text.array_types = std::move(*types);
}

void PipelinedConnection::take_collapsed(const pg_result& result, const Step& step) {
    const auto& first = *batch_[step.read];
    auto rows = to_rows(result);
    auto results = postgres::take_collapsed(first.statement.spec(), rows, step.reads, labels_);
    owner_->collapsed(step.reads, !results);
    if (!results) {
        encoder_.text_of(batch_, step).state = PreparedTexts::State::refused;
        return progress_.failed_for_now();
    }
    progress_.answered();
    PreparedTexts::ran(encoder_.text_of(batch_, step), took_.share, first.pace.mean());
    const Took took{took_.whole, took_.share, true};
    for (std::size_t i = 0; i < step.reads; ++i) tell(step.read + i, std::move((*results)[i]), took);
}

void PipelinedConnection::take_skipped(const Step& step) {
    if (step.kind == Kind::replayed || step.kind == Kind::forget) return progress_.skipped(true);
    auto& text = encoder_.text_of(batch_, step);
    if (step.kind == Kind::prepare) text.state = PreparedTexts::State::no;
    if (step.kind == Kind::types) text.types = PreparedTexts::Types::unknown;
    progress_.skipped(told_[step.read]);
}

void PipelinedConnection::take_error(pg_result* result, const Step& step) {
    const auto error = error_in(*result);
    if (ends_session(*result)) return lose(error.what());
    if (step.kind == Kind::forget) return progress_.answered();          // it was not there, or a cancel met it
    if (step.kind == Kind::replayed) return progress_.failed_for_now();  // all behind it were skipped; a cancel met it
    if (step.kind == Kind::fingerprint) return settle_doubt(step, false);
    auto& read = *batch_[step.read];
    const bool preparing = step.kind == Kind::prepare;
    auto& text = encoder_.text_of(batch_, step);
    if (step.kind == Kind::types) {
        text.types = PreparedTexts::passes(error) ? PreparedTexts::Types::unknown : PreparedTexts::Types::unfit;
        return progress_.failed_for_now();
    }
    if (step.reads > 1) {
        PreparedTexts::note(text, error, preparing);
        auto& of_call = encoder_.text_of(batch_, {Kind::prepare, step.read});
        const bool stale = text.types == PreparedTexts::Types::unknown && of_call.state == PreparedTexts::State::yes;
        if (stale) of_call.state = PreparedTexts::State::outdated;  // the types that it has are what is asked for
        owner_->collapsed(step.reads, true);
        return progress_.failed_for_now();
    }
    if (PreparedTexts::mend(text, error, preparing, read.statement, sql::step_to(read.query->page), read.tries < most_tries))
        return progress_.failed_for_now();
    if (!preparing && encoder_.may_doubt(read, error)) {
        read.doubt = PipelinedRead::Doubt::raised;
        read.error = error;
        return progress_.failed_for_now();
    }
    progress_.answered();
    told(step.read);
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
