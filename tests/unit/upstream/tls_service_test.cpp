// Services behind TLS: whom we believe, whom we say we are, and that a connection is used again.
#include "support/certificate.hpp"
#include "support/process.hpp"
#include "support/upstream_fixture.hpp"

#include <openssl/ssl.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <list>
#include <thread>

namespace sluice::upstream {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using namespace std::chrono_literals;
using test::Certificate;

/// Says in its answers which name it was asked for and whether a certificate was shown; `/cut` ends without close_notify.
class TlsOrigin {
public:
    explicit TlsOrigin(const Certificate& own, const Certificate* client = nullptr) {
        tls_.use_certificate_chain(asio::buffer(own.certificate));
        tls_.use_private_key(asio::buffer(own.key), ssl::context::pem);
        if (client) {
            tls_.add_certificate_authority(asio::buffer(client->certificate));
            tls_.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
        }
        thread_ = std::thread{[this] { accept(); }};
    }
    ~TlsOrigin() {
        stopping_ = true;
        boost::system::error_code ignored;
        asio::ip::tcp::socket last{context_};
        last.connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
        for (auto& one : connections_) one.join();
    }
    TlsOrigin(const TlsOrigin&) = delete;
    TlsOrigin& operator=(const TlsOrigin&) = delete;

    std::string url(const std::string& host) const {
        return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port());
    }
    int connections() const { return count_; }

private:
    void accept() {
        for (;;) {
            boost::system::error_code error;
            auto socket = acceptor_.accept(error);
            if (stopping_ || error) return;
            ++count_;
            connections_.emplace_back([this, moved = std::move(socket)]() mutable { serve(std::move(moved)); });
        }
    }

    void serve(asio::ip::tcp::socket socket) {
        boost::system::error_code error;
        ssl::stream<asio::ip::tcp::socket> stream{std::move(socket), tls_};
        stream.handshake(ssl::stream_base::server, error);
        std::string bytes;
        while (!error) {
            const auto size = asio::read_until(stream, asio::dynamic_buffer(bytes), "\r\n\r\n", error);
            if (error) return;
            const auto* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
            const auto* shown = SSL_get0_peer_certificate(stream.native_handle());
            const auto body = std::string{name ? name : "nobody"} + (shown ? ", known" : "");
            const bool cut = bytes.starts_with("GET /cut ");
            const bool large = bytes.starts_with("GET /large ");
            bytes.erase(0, size);
            std::string answer = "HTTP/1.1 200 OK\r\n";
            if (!cut) answer += "Content-Length: " + std::to_string(large ? 3'000'000 : body.size()) + "\r\n";
            answer += "\r\n" + (large ? std::string(3'000'000, 'z') : body);
            asio::write(stream, asio::buffer(answer), error);
            if (cut) return;
        }
    }

    asio::io_context context_;
    asio::ip::tcp::acceptor acceptor_{context_, {asio::ip::make_address("127.0.0.1"), 0}};
    ssl::context tls_{ssl::context::tls_server};
    std::atomic<bool> stopping_{false};
    std::atomic<int> count_{0};
    std::list<std::thread> connections_;
    std::thread thread_;
};

class TlsServiceTest : public test::UpstreamFixture {
protected:
    UpstreamSettings trusting(const Certificate& authority, std::string url) {
        UpstreamSettings settings;
        settings.name = "quotes";
        settings.endpoints.push_back({std::move(url)});
        settings.tls.ca = directory.write("ca.pem", authority.certificate);
        return settings;
    }

    test::TemporaryDirectory directory;
};

}  // namespace

TEST_F(TlsServiceTest, IsAskedByItsNameAndTheConnectionIsUsedAgain) {
    const Certificate certificate{"DNS:localhost,IP:127.0.0.1"};
    TlsOrigin origin{certificate};
    start(trusting(certificate, origin.url("localhost")));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(say("/"), "200 localhost");
    EXPECT_EQ(origin.connections(), 1) << "a ticket for a later session is no close";
    const auto large = send(get("/large"), in(1min), 0, 5'000'000).get();
    ASSERT_TRUE(large);
    EXPECT_EQ(large->body.size(), 3'000'000u);
    EXPECT_EQ(say(ask(post("/", std::string(2'000'000, 'x')))), "200 localhost");
    service->stop();
}

TEST_F(TlsServiceTest, AnAddressIsNoName) {
    const Certificate certificate{"IP:127.0.0.1"};
    TlsOrigin origin{certificate};
    start(trusting(certificate, origin.url("127.0.0.1")));
    EXPECT_EQ(say("/"), "200 nobody");
    service->stop();
}

TEST_F(TlsServiceTest, WhoeverIsNotTheServiceIsNotAsked) {
    const Certificate right{"DNS:localhost"};
    const Certificate other{"DNS:localhost"};
    const Certificate elsewhere{"DNS:elsewhere.example"};
    const struct {
        const Certificate& presented;
        const Certificate& trusted;
        std::string outcome;
    } cases[]{{right, right, "200 localhost"}, {right, other, "untrusted"}, {elsewhere, elsewhere, "untrusted"}};
    for (const auto& one : cases) {
        TlsOrigin origin{one.presented};
        const auto made = std::make_shared<Service>(trusting(one.trusted, origin.url("localhost")), loops, metrics);
        made->start();
        made->wait_for_names(in(20s));
        if (!service) start(trusting(right, origin.url("localhost")));
        const auto answer = send_over(made->route("r"), get("/"), in(1min)).get();
        EXPECT_EQ(say(answer), one.outcome);
        made->stop();
    }
}

TEST_F(TlsServiceTest, AnotherNameMayBeExpected) {
    const Certificate certificate{"DNS:quotes.internal"};
    TlsOrigin origin{certificate};
    auto settings = trusting(certificate, origin.url("127.0.0.1"));
    settings.tls.server_name = "quotes.internal";
    start(settings);
    EXPECT_EQ(say("/"), "200 quotes.internal");
    service->stop();
}

TEST_F(TlsServiceTest, WeShowOurCertificate) {
    const Certificate certificate{"DNS:localhost"};
    const Certificate own{"DNS:sluice.example"};
    TlsOrigin origin{certificate, &own};
    auto settings = trusting(certificate, origin.url("localhost"));
    settings.tls.certificate = directory.write("own.pem", own.certificate);
    settings.tls.key = directory.write("own.key", own.key);
    start(settings);
    EXPECT_EQ(say("/"), "200 localhost, known");
    service->stop();
}

TEST_F(TlsServiceTest, WhatHasNoLengthEndsWithAWordOrIsCutOff) {
    const Certificate certificate{"DNS:localhost"};
    TlsOrigin origin{certificate};
    start(trusting(certificate, origin.url("localhost")));
    EXPECT_EQ(say("/cut"), "cut_off") << "anybody on the way can close a connection";
    service->stop();
}

TEST_F(TlsServiceTest, APlainServerIsNone) {
    const Certificate certificate{"DNS:localhost"};
    test::Origin origin;
    start(trusting(certificate, "https://localhost:" + std::to_string(origin.port())));
    EXPECT_NE(say("/").substr(0, 3), "200");
    EXPECT_EQ(origin.request_count(), 0u);
}

}  // namespace sluice::upstream
