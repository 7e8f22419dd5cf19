// TLS towards services: whom to believe, whom we say we are, and one connection's conversation. Hides OpenSSL. A session
// does no I/O: what comes from the socket is put in, what is to be sent is taken out.
#pragma once

#include "sluice/upstream_settings.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace sluice::upstream {

class TlsSession {
public:
    enum class Step {
        done,
        needs_input,  // put bytes in that have come from the other side
        closed,       // the other side has said that nothing more comes
        failed,       // see `problem`
    };

    TlsSession(TlsSession&&) noexcept;
    ~TlsSession();

    /// After each step: what is to be sent, if anything.
    Step handshake();
    /// All of it.
    Step write(std::string_view plain);
    Step read(std::span<char> into, std::size_t& size);

    void put(std::string_view encrypted);
    /// Bytes to be sent; valid until the next call of a member.
    std::string_view pending();
    void sent(std::size_t size);

    /// Why the last step failed: of a handshake what is wrong with the certificate, if that is it.
    std::string problem() const;

private:
    friend class TlsContext;
    explicit TlsSession(ssl_st* session);
    struct Free {
        void operator()(ssl_st* session) const noexcept;
    };
    Step step_of(int result);

    std::unique_ptr<ssl_st, Free> session_;
};

/// One service's. Any thread. TLS 1.2 or later; the other side's certificate must be valid for the name (RFC 9525).
class TlsContext {
public:
    /// Reads the files. Throws std::runtime_error, in words that say which one is of no use.
    explicit TlsContext(const UpstreamSettings::Tls& settings);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// A conversation with a server of that name or address.
    TlsSession begin(const std::string& name) const;

private:
    struct Free {
        void operator()(ssl_ctx_st* context) const noexcept;
    };
    std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace sluice::upstream
