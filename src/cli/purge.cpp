#include "cli/commands.hpp"
#include "sluice/settings.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace sluice::cli {
namespace {

using boost::asio::ip::tcp;

/// What is listened on, as what one connects to.
std::pair<std::string, std::string> host_and_port(const std::string& listen) {
    const auto colon = listen.rfind(':');
    auto host = listen.substr(0, colon);
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    return {host, listen.substr(colon + 1)};
}

/// One request on a connection of its own; returns status and body.
std::pair<unsigned, std::string> post(const std::string& address, const std::string& token, const std::string& path,
                                      const std::string& body) {
    const auto [host, port] = host_and_port(address);
    boost::asio::io_context context;
    tcp::socket socket{context};
    boost::system::error_code error;
    const auto endpoints = tcp::resolver{context}.resolve(host, port, error);
    if (!error) boost::asio::connect(socket, endpoints, error);
    if (error) {
        throw Failure{"the admin API at " + address + " cannot be reached (" + error.message() +
                      "): is an instance running there?"};
    }
    const std::string request = "POST " + path + " HTTP/1.1\r\nHost: " + address + "\r\nAuthorization: Bearer " + token +
                                "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                                "\r\nConnection: close\r\n\r\n" + body;
    boost::asio::write(socket, boost::asio::buffer(request));
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);  // to the end of the connection
    if (!answer.starts_with("HTTP/1.1 ") || answer.size() < 12)
        throw Failure{"what answers at " + address + " is no Sluice"};
    const auto head = answer.find("\r\n\r\n");
    return {static_cast<unsigned>(std::stoul(answer.substr(9, 3))), head == answer.npos ? "" : answer.substr(head + 4)};
}

}  // namespace

int purge(const Common& common, const Purged& what) {
    const auto settings = load_settings(common.config);
    if (settings.server.admin.empty()) throw Failure{"server.admin is not set: there is no admin API to ask"};
    if (settings.server.admin_token.empty()) throw Failure{"server.admin_token is not set: the admin API is off"};
    nlohmann::json body{{"all", true}};
    if (what.tag) body = {{"tag", *what.tag}};
    if (what.pattern) body = {{"pattern", *what.pattern}};
    const auto [status, answer] = post(settings.server.admin, settings.server.admin_token, "/admin/purge", body.dump());
    if (status == 204) {
        std::cout << "purged\n";
        return 0;
    }
    const auto problem = nlohmann::json::parse(answer, nullptr, false);
    throw Failure{"the instance answered " + std::to_string(status) + ": " +
                  (problem.is_object() ? problem.value("detail", "") : answer)};
}

}  // namespace sluice::cli
