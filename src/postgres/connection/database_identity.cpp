#include "postgres/connection/database_identity.hpp"

#include "postgres/connection/connection.hpp"
#include "postgres/connection/pooler.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>

namespace sluice::postgres {
namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
using Words = std::map<std::string, std::string, std::less<>>;

void read_into(Words& words, const Options& options) {
    if (!options) return;
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr && *option->val != '\0') words[option->keyword] = option->val;
    }
}

std::string word(const Words& words, std::string_view name) {
    const auto found = words.find(name);
    return found == words.end() ? std::string{} : found->second;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

bool means_this_machine(std::string_view host) {
    return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" || host.starts_with("127.") ||
           host == "::1";
}

}  // namespace

std::string name_of_database(const ServerIdentity& identity) {
    return std::to_string(identity.system) + '.' + std::to_string(identity.database);
}

IdentityAnswer ask_identity(std::span<const std::string> urls, Watchdog& watchdog, Duration patience) {
    IdentityAnswer answer;
    for (const auto& url : urls) {
        const auto limit = Clock::now() + patience;
        try {
            Connection connection{url, watchdog, limit};
            const auto identity = ask_identity(connection, limit);
            if (identity.system != 0) {
                answer.identity = name_of_database(identity);
                return answer;
            }
            answer.refusal = "permission denied for function pg_control_system";
        } catch (const SqlError& error) {
            answer.refusal = one_line(error.what());
        } catch (const ConnectionLost&) {  // the next one may answer
        }
    }
    return answer;
}

std::string database_address(const std::string& url, const std::string& machine) {
    Words words;
    read_into(words, Options{PQconndefaults(), &PQconninfoFree});
    char* error = nullptr;
    Words said;
    read_into(said, Options{PQconninfoParse(without_pooler(url).c_str(), &error), &PQconninfoFree});
    PQfreemem(error);
    // An address in the environment is none of a host that the URL names.
    if (said.contains("host") && !said.contains("hostaddr")) words.erase("hostaddr");
    for (auto& [name, value] : said) words[name] = std::move(value);

    std::string host = lower(word(words, "hostaddr"));
    if (host.empty()) host = lower(word(words, "host"));
    while (host.ends_with('.')) host.pop_back();
    std::string port = word(words, "port");
    if (port.empty()) port = "5432";
    std::string database = word(words, "dbname");
    if (database.empty()) database = word(words, "user");
    return (means_this_machine(host) ? machine + ' ' : std::string{}) + host + ':' + port + '/' + database;
}

}  // namespace sluice::postgres
