// What the path of most requests allocates on the heap: nothing, once it has run for a while.
// Not where a sanitizer has its own heap, which must see every call.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#include "config/load.hpp"
#include "http/session.hpp"
#include "sluice/server.hpp"
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <vector>

namespace {

thread_local std::size_t allocations = 0;  // of this thread
std::atomic<int> sessions_to_fail{0};      // so many are not allocated, on any thread

/// As large as one with what its shared pointer needs.
bool is_session(std::size_t size) {
    return size >= sizeof(sluice::http::Session) && size <= sizeof(sluice::http::Session) + 64;
}

void* counted(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
    if (alignment <= alignof(std::max_align_t)) ++allocations;  // aligned_alloc counts the others
    if (is_session(size) && sessions_to_fail > 0 && sessions_to_fail.fetch_sub(1) > 0) throw std::bad_alloc{};
    // aligned_alloc wants a multiple of the alignment.
    auto* memory = alignment <= alignof(std::max_align_t)
                       ? std::malloc(size)
                       : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

}  // namespace

// Asio takes the frames of coroutines from here where none is kept for the next one.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    ++allocations;
    void* memory = nullptr;
    return ::posix_memalign(&memory, std::max(alignment, sizeof(void*)), size) == 0 ? memory : nullptr;
}

// The array and nothrow forms call these.
void* operator new(std::size_t size) { return counted(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace sluice::test {
namespace {

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", threads: 1 }
log: { access: off }
postgres: { primary: "${SLUICE_PG_PRIMARY}", replicas: [ { url: "${SLUICE_PG_REPLICA_1}" } ] }
redis: { url: "${SLUICE_REDIS}" }
auth: { key_secrets: [ "${SLUICE_KEY_SECRET}" ] }
tiers: { anonymous: { requests: 100000000, window: 60s }, pro: { requests: 100000000, window: 60s } }
routes:
  GET /v1/cities/{id}:
    params: { id: integer }
    result: one
    sql: select :id::int as id, repeat('x', 500) as text
    cache: { ttl: 1h, tags: ["city:{id}"] }
)";

/// On the only loop, whose thread counts.
awaitable<Response> count_here(Exchange&) { co_return Response::text(200, std::to_string(allocations)); }

class Allocations : public PostgresTest {
protected:
    static Settings settings() {
        const TemporaryDirectory directory;
        const auto variable = [](const std::string& name) -> std::optional<std::string> {
            const auto found = world_environment().find(name);
            return found == world_environment().end() ? std::nullopt : std::optional{found->second};
        };
        return config::load(directory.write("api.yaml", config), variable);
    }
    std::size_t count() { return std::stoul(client_->request("GET", "/count").body); }

    /// On top of what the question itself allocates.
    std::size_t in_requests(unsigned requests, const std::string& target, const std::string& fields) {
        const auto before = count();
        const auto asked = count() - before;
        const auto start = count();
        for (unsigned i = 0; i < requests; ++i) EXPECT_EQ(client_->request("GET", target, "", fields).status, 200u);
        return count() - start - asked;
    }

    std::unique_ptr<HttpClient> client_;
};

}  // namespace

TEST_F(Allocations, AHitInTheProcessWithAKeyAndALimitMakesNone) {
    Server server{settings()};
    server.handle("GET /count", count_here);
    server.start();
    client_ = std::make_unique<HttpClient>(server.port());
    const auto fields = create_key("pro").header();
    ASSERT_EQ(client_->request("GET", "/v1/cities/1", "", fields).header("Cache-Status"), "sluice; fwd=miss");
    in_requests(1000, "/v1/cities/1", fields);  // leases are taken, buffers find their size
    // The loop does other things too, but not in every short while: a poke arrives, a lease is renewed.
    std::size_t fewest = SIZE_MAX;
    for (int i = 0; i < 50; ++i) fewest = std::min(fewest, in_requests(20, "/v1/cities/1", fields));
    std::cout << "in 20 hits: " << fewest << " allocations\n";
    EXPECT_EQ(fewest, 0u);
    server.stop();
}

TEST_F(Allocations, HitsOfManyConnectionsAtOnceMakeFew) {
    Server server{settings()};
    server.handle("GET /count", count_here);
    server.start();
    client_ = std::make_unique<HttpClient>(server.port());
    const auto request = "GET /v1/cities/1 HTTP/1.1\r\nHost: x\r\n" + create_key("pro").header() + "\r\n";
    std::vector<HttpClient> clients;
    clients.reserve(64);
    for (int i = 0; i < 64; ++i) clients.emplace_back(server.port());
    const auto ask_all = [&] {
        for (auto& client : clients) ASSERT_TRUE(client.send(request));
        for (auto& client : clients) ASSERT_EQ(client.receive().value().status, 200u);
    };
    for (int i = 0; i < 50; ++i) ask_all();
    const auto before = count();
    const auto asked = count() - before;
    // On a busy machine more of them wait in one turn of the loop: then it takes more rounds to see the least.
    constexpr std::size_t most = 32;
    std::size_t fewest = SIZE_MAX;
    const auto until = Clock::now() + std::chrono::seconds{30};
    for (int i = 0; i < 50 || (fewest > most && Clock::now() < until); ++i) {
        const auto start = count();
        ask_all();
        fewest = std::min(fewest, count() - start - asked);
    }
    std::cout << "in 64 hits at once: " << fewest << " allocations\n";
    // A thread keeps eight blocks for the frames of coroutines. What suspends in one turn beyond that has its frame made
    // anew.
    EXPECT_LE(fewest, most);
    server.stop();
}

TEST_F(Allocations, NoMemoryForAConnectionDoesNotEndAccepting) {
    Server server{settings()};
    server.handle("GET /count", count_here);
    server.start();
    sessions_to_fail = 3;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(HttpClient{server.port()}.wait_closed());
    EXPECT_EQ(sessions_to_fail, 0);
    EXPECT_EQ(http_get(server.port(), "/count").status, 200u);
    EXPECT_NE(http_get(server.admin_port(), "/metrics").body.find("sluice_http_accept_failures_total 3"), std::string::npos);
    server.stop();
}

}  // namespace sluice::test

#endif
