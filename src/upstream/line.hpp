// One connection to an endpoint, on one loop: bytes out, bytes in, and a moment at which it all ends. Hides the socket, TLS
// and the buffer.
#pragma once

#include "sluice/executor.hpp"
#include "upstream/due_list.hpp"
#include "upstream/tls.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::upstream {

/// Operations return an error code; asio::error::eof is a close by the other side. At most one reads and one writes.
class Line final : private DueList::Entry {
public:
    using Address = boost::asio::ip::tcp::endpoint;
    using Error = boost::system::error_code;

    Line(Executor executor, std::shared_ptr<DueList> dues);

    awaitable<Error> connect(Address address);
    /// Over what is connected. `why_not` says what is wrong with the certificate, if that is it.
    awaitable<Error> secure(TlsSession session, std::string& why_not);
    /// All of it.
    awaitable<Error> write(std::string_view head, std::string_view body);
    /// Reads more behind `input`.
    awaitable<Error> read();

    /// What was read and not consumed.
    std::string_view input() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t size) noexcept { begin_ += size; }

    /// Whether an idle line can still be used: nothing has come and it was not closed.
    bool is_idle_and_open();

    /// From `due` on every operation, also the one under way, ends with an error, and `timed_out` is true.
    void end_at(TimePoint due) { dues_->arm(*this, due); }
    /// Until the next `end_at` nothing ends them.
    void never_end() noexcept { disarm(); }
    bool timed_out() const noexcept { return timed_out_; }

    /// It waits for its next use, until then: `over` is called once it is too long, and destroys it. Gives memory back.
    void rest(TimePoint until, std::function<void()> over);
    /// It is in use again.
    void wake() noexcept;

    void close() noexcept;

    const Address& address() const noexcept { return address_; }
    unsigned uses = 0;  ///< how many requests it has carried before

private:
    void on_due() override;
    std::span<char> space();
    awaitable<Error> receive(std::span<char> into, std::size_t& size);
    awaitable<Error> send_all(std::string_view bytes);
    awaitable<Error> flush();

    boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor> socket_;
    const std::shared_ptr<DueList> dues_;
    std::optional<TlsSession> tls_;
    Address address_;
    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;  // of the input
    std::size_t end_ = 0;
    bool filled_ = false;  // the last read took all the space
    bool timed_out_ = false;
    bool flushing_ = false;       // under TLS reading may have to write, beside a write
    std::function<void()> over_;  // while it rests
};

}  // namespace sluice::upstream
