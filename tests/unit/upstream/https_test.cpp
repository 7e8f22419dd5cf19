// Whom a client believes: a TLS server of the test's own, whose certificate is an authority for itself.
#include "support/certificate.hpp"
#include "support/process.hpp"
#include "upstream/http_get.hpp"

#include <gtest/gtest.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <cstdlib>
#include <thread>

namespace sluice::upstream {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using test::Certificate;

/// Answers one request, or none if the client ends the handshake.
class TlsServer {
public:
    explicit TlsServer(const Certificate& certificate) {
        tls_.use_certificate_chain(asio::buffer(certificate.certificate));
        tls_.use_private_key(asio::buffer(certificate.key), ssl::context::pem);
        thread_ = std::jthread{[this] { serve(); }};
    }
    Url url(const std::string& host) const {
        return {true, host, std::to_string(acceptor_.local_endpoint().port()), "/keys"};
    }

private:
    void serve() {
        boost::system::error_code error;
        ssl::stream<asio::ip::tcp::socket> stream{acceptor_.accept(), tls_};
        stream.handshake(ssl::stream_base::server, error);
        if (error) return;
        std::string request;
        asio::read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", error);
        asio::write(stream, asio::buffer(std::string{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkeys"}), error);
    }

    asio::io_context context_;
    asio::ip::tcp::acceptor acceptor_{context_, {asio::ip::make_address("127.0.0.1"), 0}};
    ssl::context tls_{ssl::context::tls_server};
    std::jthread thread_;  // last: uses all above
};

/// The authorities that OpenSSL believes, for the time being.
class TrustOnly {
public:
    explicit TrustOnly(const std::string& pem) {
        ::setenv("SSL_CERT_FILE", directory_.write("authorities.pem", pem).c_str(), 1);
        ::setenv("SSL_CERT_DIR", directory_.path().c_str(), 1);
    }
    ~TrustOnly() {
        ::unsetenv("SSL_CERT_FILE");
        ::unsetenv("SSL_CERT_DIR");
    }
    TrustOnly(const TrustOnly&) = delete;
    TrustOnly& operator=(const TrustOnly&) = delete;

private:
    test::TemporaryDirectory directory_;
};

std::string outcome_of(const Certificate& presented, const Certificate& trusted, const std::string& host) {
    const TrustOnly trust{trusted.certificate};
    const TlsServer server{presented};
    const auto result = http_get(server.url(host), {});
    return result ? *result : result.error().reason;
}

}  // namespace

TEST(Https, AServerWithAValidCertificateForItsNameIsBelieved) {
    const Certificate certificate{"DNS:localhost,IP:127.0.0.1"};
    EXPECT_EQ(outcome_of(certificate, certificate, "localhost"), "keys");
    EXPECT_EQ(outcome_of(certificate, certificate, "127.0.0.1"), "keys");
}

TEST(Https, AnyOtherIsNot) {
    const Certificate right{"DNS:localhost"};
    const Certificate other{"DNS:localhost"};
    const Certificate elsewhere{"DNS:elsewhere.example"};
    EXPECT_NE(outcome_of(right, other, "localhost"), "keys") << "signed by somebody else";
    EXPECT_NE(outcome_of(elsewhere, elsewhere, "localhost"), "keys") << "for another name";
    EXPECT_NE(outcome_of(right, right, "127.0.0.1"), "keys") << "for a name, not the address";
}

}  // namespace sluice::upstream
