#include "support/pgbouncer.hpp"

#include <unistd.h>

#include <filesystem>
#include <regex>
#include <stdexcept>

namespace sluice::test {

PgBouncer::PgBouncer(const std::string& server_url, const std::string& mode, unsigned server_connections) {
    std::smatch part;
    if (!std::regex_match(server_url, part, std::regex{"postgresql://([^:]+):([^@]+)@([^:]+):([0-9]+)/(.+)"}))
        throw std::runtime_error{"not an address of the stack's: " + server_url};
    const auto& directory = directory_.path();
    // It never runs as root, and as another it makes its socket here.
    std::filesystem::permissions(directory, std::filesystem::perms::all);
    const auto file = directory_.write(
        "pgbouncer.ini", "[databases]\n" + part.str(5) + " = host=" + part.str(3) + " port=" + part.str(4) +
                             " user=" + part.str(1) + " password=" + part.str(2) +
                             "\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nauth_type = any\nunix_socket_dir = " +
                             directory.string() + "\npool_mode = " + mode +
                             "\nmax_client_conn = 200\ndefault_pool_size = " + std::to_string(server_connections) + '\n');
    std::filesystem::permissions(file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    std::vector<std::string> command{"pgbouncer", file.string()};
    if (::geteuid() == 0) command.insert(command.begin() + 1, {"-u", "nobody"});
    process_.emplace(command, directory / "output");
    const auto socket = directory / ".s.PGSQL.6432";
    if (!eventually([&] { return std::filesystem::exists(socket) || !process_->running(); }) || !process_->running())
        throw std::runtime_error{"pgbouncer does not start"};
    url_ = "postgresql://" + part.str(1) + "@/" + part.str(5) + "?host=" + directory.string() + "&port=6432";
}

}  // namespace sluice::test
