// What a batch of reads is to one connection in libpq's pipeline mode: which texts are prepared for them, which are asked as
// one, and in which steps. Hides the sending half of libpq; nothing leaves before it is flushed.
#pragma once

#include "postgres/connection/catalog_watch.hpp"
#include "postgres/pipeline/batch_progress.hpp"
#include "postgres/pipeline/pipelined_read.hpp"
#include "postgres/pipeline/prepared_texts.hpp"
#include "postgres/workers/statement_table.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct pg_conn;

namespace sluice::postgres {

/// Bytes of the longest JSON that is read on an event loop: libpq takes each row whole, and copies it. A longer one is left
/// to a worker.
inline constexpr std::size_t longest_on_loop = std::size_t{256} * 1024;

/// Where the server cuts the JSON of a statement that runs on an event loop: what has so many bytes may not be whole, and is
/// longer than is read there or longer than the statement may answer.
inline std::size_t cut_on_loop(const sql::Statement& statement) noexcept {
    return std::min(longest_on_loop, statement.longest()) + 1;
}

class ReadEncoder {
public:
    using Step = BatchProgress::Step;

    /// `catalog`: null, or the server's. `statements`: null, or those that are known.
    ReadEncoder(::pg_conn* connection, CatalogWatch* catalog, const StatementTable* statements) noexcept
        : native_{connection}, catalog_{catalog}, statements_{statements} {}

    /// Brings together what may be asked as one; all else keeps its order.
    static void order(ReadBatch& batch);
    /// A sync ends the batch, or, if each is asked alone, each read. `ask_replayed`: the standby is asked first how far it
    /// is, if a read is labelled. False: libpq has no memory, or the connection is lost.
    bool encode(const ReadBatch& batch, bool each_alone, bool ask_replayed, BatchProgress& progress);

    /// A read whose error may be due to a change that nobody has noticed yet: whether it can be found out, when it is sent
    /// again.
    bool may_doubt(const PipelinedRead& read, const SqlError& error) const noexcept;
    /// The answer to what is sent first then: whether the texts are outdated.
    bool are_outdated(const Rows& fingerprint);

    /// The text that the step is about; not of a sync.
    PreparedTexts::Text& text_of(const ReadBatch& batch, const Step& step);

private:
    std::size_t alike(const ReadBatch& batch, std::size_t first);
    bool encode_call(PipelinedRead& read, std::size_t index, BatchProgress& progress);
    bool encode_collapsed(const ReadBatch& batch, std::size_t first, std::size_t count, BatchProgress& progress);
    bool forget_unknown(BatchProgress& progress);
    bool prepare(PreparedTexts::Text& text, std::uint64_t id, const sql::Rendered& rendered, Step step,
                 BatchProgress& progress);
    bool ask_fingerprint(std::size_t index, BatchProgress& progress);
    void forget_outdated();
    bool ask_types(const PipelinedRead& read, const std::string& name, std::size_t index, BatchProgress& progress);
    bool send(const std::string& sql, const Row& values = {}) const;
    bool run(const std::string& name, const Row& values) const;

    ::pg_conn* const native_;
    CatalogWatch* const catalog_;
    const StatementTable* const statements_;
    std::uint64_t generation_ = 0;  // of the catalog, when the texts were prepared
    CatalogWatch::Question asked_;  // of the catalog, last
    PreparedTexts texts_;
    std::uint64_t statements_seen_ = 0;    // as of which change all texts are of statements that are known
    std::vector<std::string> unneeded_{};  // names that the server still has
};

}  // namespace sluice::postgres
