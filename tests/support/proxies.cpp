#include "support/proxies.hpp"

#include "support/http_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::test {
namespace {

using boost::asio::ip::tcp;

std::uint16_t free_port() {
    boost::asio::io_context context;
    const tcp::acceptor acceptor{context, {boost::asio::ip::address_v4::loopback(), 0}};
    return acceptor.local_endpoint().port();
}

std::string text_of(const std::filesystem::path& file) {
    std::ifstream in{file};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

void replace(std::string& text, std::string_view from, const std::string& to) {
    const auto at = text.find(from);
    if (at == text.npos) throw std::runtime_error{"deploy/haproxy.cfg has no '" + std::string{from} + "'"};
    text.replace(at, from.size(), to);
}

std::string server_line(const Instance& instance) {
    return "127.0.0.1:" + std::to_string(instance.port()) + " port " + std::to_string(instance.admin_port());
}

bool listens(std::uint16_t port) {
    try {
        HttpClient client{port};
        return true;
    } catch (const std::runtime_error&) {
        return false;
    }
}

}  // namespace

std::string Proxy::log() const { return text_of(directory_->path() / "log"); }

void Proxy::serve(const std::vector<std::string>& command) {
    process_ = std::make_unique<ChildProcess>(command, directory_->path() / "log");
    if (!eventually([&] { return listens(port_); }))
        throw std::runtime_error{command.front() + " does not serve:\n" + log()};
}

Proxy Proxy::haproxy(const Instance& first, const Instance& second, std::chrono::seconds server_timeout) {
    Proxy proxy;
    proxy.port_ = free_port();
    auto text = text_of(std::filesystem::path{SLUICE_SOURCE_DIR} / "deploy" / "haproxy.cfg");
    replace(text, "bind :8000", "bind 127.0.0.1:" + std::to_string(proxy.port_));
    replace(text, "127.0.0.1:8081 port 9181", server_line(first));
    replace(text, "127.0.0.1:8082 port 9182", server_line(second));
    replace(text, "timeout server 20s", "timeout server " + std::to_string(server_timeout.count()) + "s");
    replace(text, "bind 127.0.0.1:8404", "bind unix@" + (proxy.directory_->path() / "metrics.sock").string());
    proxy.serve({"/usr/sbin/haproxy", "-db", "-f", proxy.directory_->write("haproxy.cfg", text).string()});
    return proxy;
}

Proxy Proxy::nginx(const Instance& instance) {
    Proxy proxy;
    proxy.port_ = free_port();
    const auto folder = proxy.directory_->path().string();
    const auto upstream = "http://127.0.0.1:" + std::to_string(instance.port());
    const auto text = "daemon off; master_process off; pid " + folder + "/pid; error_log stderr;\n" +
                      "events {}\nhttp {\n access_log off; client_max_body_size 100m;\n client_body_temp_path " + folder +
                      "/body; proxy_temp_path " + folder + "/proxy; fastcgi_temp_path " + folder + "/f; uwsgi_temp_path " +
                      folder + "/u; scgi_temp_path " + folder +
                      "/s;\n server {\n  listen 127.0.0.1:" + std::to_string(proxy.port_) +
                      ";\n  proxy_http_version 1.1;\n  location / { proxy_pass " + upstream +
                      "; }\n  location /streamed/ { proxy_request_buffering off; proxy_pass " + upstream + "/; }\n }\n}\n";
    const auto file = proxy.directory_->write("nginx.conf", text).string();
    proxy.serve({"/usr/sbin/nginx", "-p", folder, "-c", file, "-e", "stderr"});
    return proxy;
}

}  // namespace sluice::test
