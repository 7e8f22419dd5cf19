#include "postgres/connection/pooler.hpp"

#include "postgres/connection/connection.hpp"

namespace sluice::postgres {
namespace {

constexpr std::string_view mark = "transaction-pooler:";
constexpr Duration patience = std::chrono::seconds{5};

std::string backend(Connection& connection, TimePoint limit, const std::string& before = {}) {
    return connection.execute(before + "select pg_backend_pid()::text", limit).at(0).at(0).value();
}

}  // namespace

std::string behind_pooler(std::string_view url) {
    return is_behind_pooler(url) ? std::string{url} : std::string{mark}.append(url);
}

bool is_behind_pooler(std::string_view url) noexcept { return url.starts_with(mark); }

std::string without_pooler(std::string_view url) {
    return std::string{is_behind_pooler(url) ? url.substr(mark.size()) : url};
}

// A pooler that keeps sessions together does no harm, though it tells a process that is none of the server's. One that does
// not gives a backend to whoever begins a transaction: the other connection, or the same one, but another backend.
std::optional<std::string> find_pooler(const std::string& url) try {
    if (is_behind_pooler(url)) return std::nullopt;
    Watchdog watchdog;
    const auto limit = Clock::now() + patience;
    Connection first{url, watchdog, limit};
    const auto own = backend(first, limit);
    if (own == std::to_string(first.backend())) return std::nullopt;
    Connection second{url, watchdog, limit};
    const auto other = backend(second, limit, "begin; ");
    const auto again = backend(first, limit);
    second.execute("rollback", limit);
    if (own == other) return "two connections at once share one process of the server";
    if (own != again) return "one connection has two processes of the server, one after the other";
    return std::nullopt;
} catch (const SqlError& error) {
    throw ConnectionLost{error.what()};  // it does not let us ask
}

}  // namespace sluice::postgres
