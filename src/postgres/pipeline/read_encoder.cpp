#include "postgres/pipeline/read_encoder.hpp"

#include "postgres/pipeline/collapsed_statement.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

namespace sluice::postgres {
namespace {

using Kind = BatchProgress::Kind;
using State = PreparedTexts::State;
using Types = PreparedTexts::Types;

constexpr std::size_t most_forgotten = 16;  // texts with one batch

}  // namespace

void ReadEncoder::order(ReadBatch& batch) {
    const auto may_collapse = [](const ReadPointer& read) { return read->statement.spec().collapse; };
    const auto first = std::stable_partition(batch.begin(), batch.end(), std::not_fn(may_collapse));
    std::stable_sort(first, batch.end(), [](const ReadPointer& one, const ReadPointer& other) {
        return one->query->statement < other->query->statement;
    });
}

bool ReadEncoder::encode(const ReadBatch& batch, bool each_alone, bool ask_replayed, BatchProgress& progress) {
    forget_outdated();
    if (!forget_unknown(progress)) return false;
    const auto labelled = [](const ReadPointer& read) { return read->statement.spec().labelled; };
    if (ask_replayed && std::any_of(batch.begin(), batch.end(), labelled)) {
        if (!run(Session::replayed_name(), {})) return false;
        progress.sent({Kind::replayed});
    }
    for (std::size_t next = 0; next < batch.size();) {
        const auto count = each_alone ? 1 : alike(batch, next);
        const bool done = batch[next]->doubt == PipelinedRead::Doubt::raised ? ask_fingerprint(next, progress)
                          : count > 1                                        ? encode_collapsed(batch, next, count, progress)
                                                                             : encode_call(*batch[next], next, progress);
        if (!done) return false;
        next += count;
        if (!each_alone && next < batch.size()) continue;
        if (PQpipelineSync(native_) == 0) return false;
        progress.sent({Kind::sync});
    }
    return true;
}

PreparedTexts::Text& ReadEncoder::text_of(const ReadBatch& batch, const Step& step) {
    const auto& query = *batch[step.read]->query;
    const bool collapsed = step.reads > 1 || step.kind == Kind::types;
    return collapsed ? texts_.collapsed(query.statement.number())
                     : texts_.of_call(query.statement.number(), sql::step_to(query.page));
}

// How many reads, from this one on, can be asked as one.
std::size_t ReadEncoder::alike(const ReadBatch& batch, std::size_t first) {
    const auto& read = *batch[first];
    if (!read.statement.spec().collapse) return 1;
    const auto& text = texts_.collapsed(read.query->statement.number());
    if (text.types != Types::known || text.state == State::refused) return 1;
    auto end = first + 1;
    while (end < batch.size() && batch[end]->query->statement == read.query->statement) ++end;
    return end - first;
}

bool ReadEncoder::encode_call(PipelinedRead& read, std::size_t index, BatchProgress& progress) {
    ++read.tries;
    const auto& statement = read.statement;
    const auto step = sql::step_to(read.query->page);
    auto& text = texts_.of_call(read.query->statement.number(), step);
    if (text.state != State::yes) {
        const auto rendered = statement.rendered(text.hints, step, cut_on_loop(statement));
        if (!prepare(text, read.query->statement.number(), rendered, {Kind::prepare, index}, progress)) return false;
    }
    if (statement.spec().collapse && !ask_types(read, text.name, index, progress)) return false;
    if (!run(text.name, arguments(statement, text.hints, *read.query))) return false;
    progress.sent({Kind::read, index});
    return true;
}

bool ReadEncoder::encode_collapsed(const ReadBatch& batch, std::size_t first, std::size_t count, BatchProgress& progress) {
    const auto& read = *batch[first];
    auto& text = texts_.collapsed(read.query->statement.number());
    const auto& hints = texts_.of_call(read.query->statement.number(), sql::PageStep::first).hints;
    if (text.state != State::yes) {
        const auto rendered = read.statement.collapsed(hints, cut_on_loop(read.statement));
        if (!prepare(text, read.query->statement.number(), rendered, {Kind::prepare, first, count}, progress)) return false;
    }
    std::vector<std::shared_ptr<const Query>> calls;
    calls.reserve(count);
    for (auto index = first; index < first + count; ++index) calls.push_back(batch[index]->query);
    if (!run(text.name, collapsed_arguments(read.statement, hints, calls))) return false;
    progress.sent({Kind::read, first, count});
    return true;
}

// A few with each batch: whoever waits for that is not to wait for a whole configuration's.
bool ReadEncoder::forget_unknown(BatchProgress& progress) {
    if (statements_ == nullptr) return true;
    const auto changes = statements_->changes();
    if (std::exchange(statements_seen_, changes) != changes) {
        auto left = texts_.keep(statements_->numbers());
        unneeded_.insert(unneeded_.end(), std::make_move_iterator(left.begin()), std::make_move_iterator(left.end()));
    }
    for (std::size_t i = 0; i < most_forgotten && !unneeded_.empty(); ++i) {
        if (!send("deallocate " + unneeded_.back()) || PQpipelineSync(native_) == 0) return false;
        progress.sent({Kind::forget});
        progress.sent({Kind::sync});
        unneeded_.pop_back();
    }
    return true;
}

bool ReadEncoder::prepare(PreparedTexts::Text& text, std::uint64_t id, const sql::Rendered& rendered, Step step,
                          BatchProgress& progress) {
    if (text.state == State::outdated) {
        if (!send("deallocate " + text.name)) return false;
        progress.sent(step);
    }
    const auto& types = text.array_types;  // of one call's text, none: PostgreSQL infers them
    text.name = prepared_name(id, rendered.text, types);
    if (PQsendPrepare(native_, text.name.c_str(), rendered.text.c_str(), static_cast<int>(types.size()), types.data()) == 0)
        return false;
    progress.sent(step);
    text.state = State::yes;  // for those behind it; if it fails they are skipped with it
    return true;
}

// Once, by the text that one call has.
bool ReadEncoder::ask_types(const PipelinedRead& read, const std::string& name, std::size_t index, BatchProgress& progress) {
    auto& text = texts_.collapsed(read.query->statement.number());
    if (text.types != Types::unknown) return true;
    if (!send(array_types_query(name))) return false;
    text.types = Types::asked;
    progress.sent({Kind::types, index});
    return true;
}

void ReadEncoder::forget_outdated() {
    if (catalog_ == nullptr || catalog_->generation() == generation_) return;
    generation_ = catalog_->generation();
    texts_.outdate();
}

bool ReadEncoder::may_doubt(const PipelinedRead& read, const SqlError& error) const noexcept {
    return catalog_ != nullptr && read.doubt == PipelinedRead::Doubt::none && may_come_of_outdated_types(error.sqlstate());
}

bool ReadEncoder::ask_fingerprint(std::size_t index, BatchProgress& progress) {
    asked_ = catalog_->question();
    if (!send(asked_.text.empty() ? "select ''" : asked_.text, asked_.values)) return false;
    progress.sent({Kind::fingerprint, index});
    return true;
}

bool ReadEncoder::are_outdated(const Rows& fingerprint) {
    if (!asked_.text.empty()) catalog_->answered(asked_, fingerprint);
    return catalog_->generation() != generation_;
}

bool ReadEncoder::send(const std::string& sql, const Row& values) const {
    const auto parameters = pointers(values);
    return PQsendQueryParams(native_, sql.c_str(), static_cast<int>(parameters.size()), nullptr, parameters.data(), nullptr,
                             nullptr, 0) != 0;
}

bool ReadEncoder::run(const std::string& name, const Row& values) const {
    const auto parameters = pointers(values);
    return PQsendQueryPrepared(native_, name.c_str(), static_cast<int>(parameters.size()), parameters.data(), nullptr,
                               nullptr, 0) != 0;
}

}  // namespace sluice::postgres
