#include "upstream/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <boost/asio/ip/address.hpp>

#include <limits>

namespace sluice::upstream {
namespace {

std::string last_error() {
    const auto code = ERR_peek_last_error();
    const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
    return text == nullptr ? "TLS failed" : text;
}

bool is_address(const std::string& name) {
    boost::system::error_code error;
    boost::asio::ip::make_address(name, error);
    return !error;
}

[[noreturn]] void refuse(const std::filesystem::path& file, const char* what) {
    const auto reason = "'" + file.string() + "' " + what + ": " + last_error();
    ERR_clear_error();
    throw std::runtime_error{reason};
}

int as_int(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max())); }

}  // namespace

void TlsSession::Free::operator()(ssl_st* session) const noexcept { SSL_free(session); }
void TlsContext::Free::operator()(ssl_ctx_st* context) const noexcept { SSL_CTX_free(context); }

TlsSession::TlsSession(ssl_st* session) : session_{session} {}
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;

TlsSession::Step TlsSession::step_of(int result) {
    if (result > 0) return Step::done;
    switch (SSL_get_error(session_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return Step::needs_input;
        case SSL_ERROR_ZERO_RETURN:
            return Step::closed;
        default:
            return Step::failed;
    }
}

TlsSession::Step TlsSession::handshake() {
    ERR_clear_error();
    return step_of(SSL_do_handshake(session_.get()));
}

TlsSession::Step TlsSession::write(std::string_view plain) {
    ERR_clear_error();
    while (!plain.empty()) {
        const int written = SSL_write(session_.get(), plain.data(), as_int(plain.size()));
        if (written <= 0) return step_of(written);
        plain.remove_prefix(static_cast<std::size_t>(written));
    }
    return Step::done;
}

TlsSession::Step TlsSession::read(std::span<char> into, std::size_t& size) {
    ERR_clear_error();
    const int got = SSL_read(session_.get(), into.data(), as_int(into.size()));
    size = got > 0 ? static_cast<std::size_t>(got) : 0;
    return step_of(got);
}

void TlsSession::put(std::string_view encrypted) {
    BIO_write(SSL_get_rbio(session_.get()), encrypted.data(), as_int(encrypted.size()));
}

std::string_view TlsSession::pending() {
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(SSL_get_wbio(session_.get()), &bytes);
    return {bytes, size > 0 ? static_cast<std::size_t>(size) : 0};
}

void TlsSession::sent(std::size_t size) {
    char dropped[4096];
    while (size > 0) {
        const int got = BIO_read(SSL_get_wbio(session_.get()), dropped, as_int(std::min(size, sizeof dropped)));
        if (got <= 0) return;
        size -= static_cast<std::size_t>(got);
    }
}

std::string TlsSession::problem() const {
    const auto verified = SSL_get_verify_result(session_.get());
    if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
    return last_error();
}

TlsContext::TlsContext(const UpstreamSettings::Tls& settings) : context_{SSL_CTX_new(TLS_client_method())} {
    if (!context_) throw std::runtime_error{"TLS cannot be used: " + last_error()};
    auto* context = context_.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // an idle connection needs none
    if (settings.ca.empty()) {
        SSL_CTX_set_default_verify_paths(context);
    } else if (SSL_CTX_load_verify_locations(context, settings.ca.c_str(), nullptr) != 1) {
        refuse(settings.ca, "holds no certificate of an authority");
    }
    if (settings.certificate.empty()) return;
    if (SSL_CTX_use_certificate_chain_file(context, settings.certificate.c_str()) != 1)
        refuse(settings.certificate, "holds no certificate");
    if (SSL_CTX_use_PrivateKey_file(context, settings.key.c_str(), SSL_FILETYPE_PEM) != 1)
        refuse(settings.key, "is no key of that certificate");
}

TlsContext::~TlsContext() = default;

TlsSession TlsContext::begin(const std::string& name) const {
    TlsSession session{SSL_new(context_.get())};
    auto* ssl = session.session_.get();
    if (ssl == nullptr) throw std::bad_alloc{};
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    if (is_address(name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
    } else {
        SSL_set1_host(ssl, name.c_str());
        SSL_set_tlsext_host_name(ssl, name.c_str());  // for names alone (RFC 6066 section 3)
    }
    return session;
}

}  // namespace sluice::upstream
