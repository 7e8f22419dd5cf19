// One connection in libpq's pipeline mode, driven by an event loop: a batch of reads is sent at once and answered in order.
// Hides libpq, and that one read's error makes PostgreSQL skip those behind it.
#pragma once

#include "postgres/pipeline/batch_progress.hpp"
#include "postgres/pipeline/pipelined_read.hpp"
#include "postgres/pipeline/read_encoder.hpp"
#include "postgres/workers/session.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <memory>
#include <string>
#include <vector>

struct pg_result;

namespace sluice::postgres {

/// Made with std::make_shared: what waits for its socket keeps it alive. On its loop only.
///
/// A batch is one implicit transaction up to its sync. What an error skips is sent again by itself, each read with a sync of
/// its own, so that no other read can hold it up a second time. Reads of a statement that may be collapsed are asked as one.
class PipelinedConnection : public std::enable_shared_from_this<PipelinedConnection> {
public:
    using Batch = ReadBatch;

    struct Took {
        Duration whole{};  ///< since the batch was sent
        Duration share{};  ///< of that, by the number of its reads: which of them took how long is not seen
        bool collapsed = false;
    };
    /// Must not send before `progressed` or `lost`.
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual void answered(PipelinedRead& read, QueryResult result, Took took) = 0;
        virtual void failed(PipelinedRead& read, const SqlError& error, Took took) = 0;
        /// The answer is too long for an event loop, or for its statement (cut_on_loop).
        virtual void outgrown(PipelinedRead& read, Took took) = 0;
        /// So many reads were asked as one, and are answered next; or it failed, and each is asked by itself.
        virtual void collapsed(std::size_t reads, bool failed) = 0;
        /// The last word for now: what was readable has been read.
        virtual void progressed(PipelinedConnection& connection) = 0;
        /// It is of no more use; the reads have no answer.
        virtual void lost(PipelinedConnection& connection, const std::string& reason, const Batch& reads) = 0;
    };

    /// Takes over a session that was just made.
    PipelinedConnection(Executor executor, std::unique_ptr<Session> session, Owner& owner);
    ~PipelinedConnection() { close(); }
    PipelinedConnection(const PipelinedConnection&) = delete;
    PipelinedConnection& operator=(const PipelinedConnection&) = delete;

    /// Begins to watch its socket.
    void start();
    /// Only while it is idle; not empty.
    void send(Batch batch);
    /// Takes what has come already, without waiting.
    void look();
    /// As if it had been lost.
    void give_up(const std::string& reason);
    /// The owner hears nothing more of it. What is under way is dropped.
    void close() noexcept;

    bool idle() const noexcept { return batch_.empty(); }
    /// While a batch is under way. Those that were told, too.
    const Batch& batch() const noexcept { return batch_; }
    /// How many have no answer yet.
    std::size_t unanswered() const noexcept { return unanswered_; }
    TimePoint sent_at() const noexcept { return sent_at_; }
    TimePoint made_at() const noexcept { return made_at_; }
    /// Whether labelled reads can be labelled, as far as is known.
    bool labels() const noexcept { return session_ && session_->labels() != LabelSource::Kind::none; }
    int backend() const noexcept;

private:
    using Step = BatchProgress::Step;
    bool encode_batch(bool each_alone);
    void resend();
    void flush();
    void wait_readable();
    bool receive();
    bool take(pg_result* result);
    void settle_doubt(const Step& step, bool outdated);
    void take_types(const pg_result& result, const Step& step);
    void take_collapsed(const pg_result& result, const Step& step);
    void take_skipped(const Step& step);
    void take_error(pg_result* result, const Step& step);
    void tell(std::size_t index, QueryResult result, Took took);
    void told(std::size_t index);
    void lose(const std::string& reason);

    using Descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

    std::unique_ptr<Session> session_;  // null: closed
    ::pg_conn* const native_;
    Owner* owner_;  // null: closed
    std::optional<Watchdog::Watch> held_;
    ReadEncoder encoder_;
    const TimePoint made_at_;
    Descriptor socket_;
    BatchProgress progress_;
    Batch batch_;
    std::vector<bool> told_;  // beside the batch
    std::size_t unanswered_ = 0;
    TimePoint sent_at_{};
    Took took_;
    LabelSource labels_;  // of the batch
    bool writing_ = false;
};

}  // namespace sluice::postgres
