// What of a batch of pipelined reads has been answered, and what an error among them gives back. Pure: no I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace sluice::postgres {

/// A batch is sent as steps; PostgreSQL answers each, in order. After an error it skips the steps up to the next sync, which
/// have done nothing then and can be sent again. Reads are named by their index in the batch; some that follow one another
/// may be collapsed into one step.
class BatchProgress {
public:
    enum class Kind {
        forget,       // a text is forgotten that nobody needs; a sync of its own follows
        replayed,     // a standby is asked how far it is, for all that follow
        prepare,      // a read's text is prepared, or forgotten, on its behalf
        types,        // those of its parameters are asked for
        fingerprint,  // of the catalog, in its stead
        read,
        sync,  // ends what one error skips
    };
    struct Step {
        Kind kind;
        std::size_t read = 0;   ///< whose; a sync is nobody's
        std::size_t reads = 1;  ///< how many, from that one on
    };

    void start() {
        steps_.clear();
        again_.clear();
        next_ = 0;
    }
    void sent(Step step) { steps_.push_back(step); }

    /// The step that is answered next; nothing: the batch is over.
    const Step* next() const noexcept { return next_ < steps_.size() ? &steps_[next_] : nullptr; }
    bool over() const noexcept { return next_ == steps_.size(); }

    /// It was done, or failed and its read has been told.
    void answered() noexcept { ++next_; }
    /// It failed, but its reads may succeed when they are sent again.
    void failed_for_now() { give_back(steps_[next_++]); }
    /// It was skipped. `told`: its read has its answer already, as a step of its own failed.
    void skipped(bool told) {
        const auto& step = steps_[next_++];
        if (!told) give_back(step);
    }

    /// The reads to send again, in their order, each once.
    const std::vector<std::size_t>& again() const noexcept { return again_; }

private:
    void give_back(const Step& step) {
        for (auto read = step.read; read < step.read + step.reads; ++read) {
            if (again_.empty() || again_.back() < read) again_.push_back(read);  // a read's steps follow each other
        }
    }

    std::vector<Step> steps_;
    std::vector<std::size_t> again_;
    std::size_t next_ = 0;
};

}  // namespace sluice::postgres
