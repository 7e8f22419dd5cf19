#include "upstream/http_get.hpp"

#include "sluice/executor.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <optional>

namespace sluice::upstream {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using Result = boost::system::result<std::string, GetFailure>;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;

/// Connected. Throws boost::system::system_error, as all below do.
awaitable<Socket> connect(Executor executor, const Url& url) {
    Resolver resolver{executor};
    const auto endpoints = co_await resolver.async_resolve(url.host, url.port, use_awaitable);
    Socket socket{executor};
    co_await asio::async_connect(socket, endpoints, use_awaitable);
    co_return socket;
}

template <class Stream>
awaitable<Result> converse(Stream& stream, const Url& url, const GetOptions& options) {
    http::request<http::empty_body> request{http::verb::get, url.target, 11};
    request.set(http::field::host, url.authority());
    request.set(http::field::user_agent, "sluice/" SLUICE_VERSION);
    request.set(http::field::accept, options.accept);
    request.set(http::field::connection, "close");
    co_await http::async_write(stream, request, use_awaitable);
    http::response_parser<http::string_body> parser;
    parser.body_limit(options.max_body);
    boost::beast::flat_buffer buffer;
    co_await http::async_read(stream, buffer, parser, use_awaitable);
    const auto status = parser.get().result_int();
    if (status != 200) co_return GetFailure{"the answer's status is " + std::to_string(status) + ", not 200"};
    co_return Result{boost::system::in_place_value, std::move(parser.get().body())};
}

bool is_address(const std::string& host) {
    boost::system::error_code error;
    asio::ip::make_address(host, error);
    return !error;
}

awaitable<Result> converse_tls(Socket socket, const Url& url, const GetOptions& options) {
    ssl::context context{ssl::context::tls_client};
    context.set_default_verify_paths();
    context.set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    ssl::stream<Socket> stream{std::move(socket), context};
    stream.set_verify_mode(ssl::verify_peer);
    stream.set_verify_callback(ssl::host_name_verification{url.host});
    // Server Name Indication is for names alone (RFC 6066 section 3).
    if (!is_address(url.host)) SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str());
    co_await stream.async_handshake(ssl::stream_base::client, use_awaitable);
    co_return co_await converse(stream, url, options);
}

awaitable<Result> get(Executor executor, const Url& url, const GetOptions& options) {
    auto socket = co_await connect(executor, url);
    if (url.tls) co_return co_await converse_tls(std::move(socket), url, options);
    co_return co_await converse(socket, url, options);
}

}  // namespace

Result http_get(const Url& url, const GetOptions& options, const std::stop_token& stop) {
    const auto deadline = Clock::now() + options.timeout;
    std::optional<Result> result;
    std::string failure;
    asio::io_context context{1};
    const auto finish = [&](std::exception_ptr error, Result fetched) {
        if (!error) {
            result.emplace(std::move(fetched));
            return;
        }
        try {
            std::rethrow_exception(error);
        } catch (const boost::system::system_error& problem) {
            failure = problem.code().message();
        } catch (const std::exception& problem) {
            failure = problem.what();
        }
    };
    asio::co_spawn(context.get_executor(), get(context.get_executor(), url, options), finish);
    const std::stop_callback end_early{stop, [&context] { context.stop(); }};
    context.run_until(deadline);
    if (result) return std::move(*result);
    if (!failure.empty()) return GetFailure{std::move(failure)};
    return GetFailure{stop.stop_requested() ? "stopped" : "no answer in time"};
}

}  // namespace sluice::upstream
