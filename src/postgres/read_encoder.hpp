// What a batch of reads is to one connection in libpq's pipeline mode: which texts are prepared for them, which are asked as
// one, and in which steps. Hides the sending half of libpq; nothing leaves before it is flushed.
#pragma once

#include "postgres/batch_progress.hpp"
#include "postgres/pipelined_read.hpp"
#include "postgres/prepared_texts.hpp"

#include <cstddef>
#include <string>

struct pg_conn;

namespace sluice::postgres {

class ReadEncoder {
public:
    using Step = BatchProgress::Step;

    explicit ReadEncoder(::pg_conn* connection) noexcept : native_{connection} {}

    /// Brings together what may be asked as one; all else keeps its order.
    static void order(ReadBatch& batch);
    /// A sync ends the batch, or, if each is asked alone, each read. `ask_replayed`: the standby is asked first how far it
    /// is, if a read is labelled. False: libpq has no memory, or the connection is lost.
    bool encode(const ReadBatch& batch, bool each_alone, bool ask_replayed, BatchProgress& progress);

    /// The text that the step is about; not of a sync.
    PreparedTexts::Text& text_of(const ReadBatch& batch, const Step& step);

private:
    std::size_t alike(const ReadBatch& batch, std::size_t first);
    bool encode_call(PipelinedRead& read, std::size_t index, BatchProgress& progress);
    bool encode_collapsed(const ReadBatch& batch, std::size_t first, std::size_t count, BatchProgress& progress);
    bool prepare(PreparedTexts::Text& text, const std::string& name, const Rendered& rendered, Step step,
                 BatchProgress& progress);
    bool ask_types(const PipelinedRead& read, const std::string& name, std::size_t index, BatchProgress& progress);
    bool send(const std::string& sql) const;
    bool run(const std::string& name, const Row& values) const;

    ::pg_conn* const native_;
    PreparedTexts texts_;
};

}  // namespace sluice::postgres
