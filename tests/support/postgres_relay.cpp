#include "support/postgres_relay.hpp"

#include <string_view>

namespace sluice::test {
namespace {

using namespace std::string_view_literals;

// The message Query of the protocol: its type, four bytes of length, and the text, which may go on.
constexpr auto commit = "commit"sv;
constexpr std::size_t before_text = 5;

bool holds_commit(std::string_view bytes) {
    for (auto at = bytes.find(commit, before_text); at != bytes.npos; at = bytes.find(commit, at + 1)) {
        if (bytes[at - before_text] == 'Q') return true;
    }
    return false;
}

}  // namespace

PostgresRelay::PostgresRelay(const std::string& url)
    : relay_{port_of(url),
             [this] {
                 return [this, tail = std::string{}](std::string_view bytes) mutable { return is_the_one(tail, bytes); };
             }},
      url_{with_port(url, relay_.port())} {}

void PostgresRelay::swallow_next_commit() {
    swallowed_ = false;
    armed_ = true;
}

// `tail`: of what the client sent before, should a message come in two parts.
bool PostgresRelay::is_the_one(std::string& tail, std::string_view bytes) {
    tail.append(bytes);
    const bool found = armed_ && holds_commit(tail);
    if (found) {
        armed_ = false;
        swallowed_ = true;
    }
    constexpr auto longest_part = before_text + commit.size() - 1;
    if (tail.size() > longest_part) tail.erase(0, tail.size() - longest_part);
    return found;
}

}  // namespace sluice::test
