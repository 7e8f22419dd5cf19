// Sites that take each other's place while requests are served.
#include "http/current_site.hpp"
#include "runtime/one_shot.hpp"
#include "support/http_client.hpp"
#include "support/http_test_server.hpp"
#include "support/process.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <thread>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HttpClient;
using test::HttpTestServer;
using test::make_route;

/// What the handlers of one site refer to. Whoever uses it when it is gone says so, and a sanitizer does.
struct Mark {
    explicit Mark(std::string its_name, std::atomic<int>& count) : name{std::move(its_name)}, alive{count} { ++alive; }
    ~Mark() {
        name = "gone";
        --alive;
    }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    std::string name;
    std::atomic<int>& alive;
};

struct CurrentSiteTest : testing::Test {
    /// Its handlers refer to the mark, and only the site keeps that.
    struct Marked {
        Marked(const std::string& name, CurrentSiteTest& test) : mark{name, test.alive}, site{make(mark, test)} {}
        static Site make(const Mark& mark, CurrentSiteTest& test) {
            std::vector<Route> routes;
            Route at_once;
            at_once.pattern = "/at-once";
            at_once.eager = [&mark](Exchange&) -> Outcome { return Response::text(200, mark.name); };
            routes.push_back(at_once);
            routes.push_back(make_route(Method::get, "/later", [&mark](Exchange& exchange) -> awaitable<Response> {
                co_await boost::asio::post(exchange.executor, use_awaitable);
                co_return Response::text(200, mark.name);
            }));
            routes.push_back(make_route(Method::post, "/body", [&mark](Exchange& exchange) -> awaitable<Response> {
                co_await exchange.body(100);
                co_return Response::text(200, mark.name);
            }));
            routes.push_back(
                make_route(Method::get, "/afterwards", [&mark, &test](Exchange& exchange) -> awaitable<Response> {
                    boost::asio::post(test.others, [pin = exchange.pin(), &mark, &test] {
                        if (pin != nullptr && mark.name != "gone") ++test.good_ends;
                    });
                    co_return Response::text(200, mark.name);
                }));
            routes.push_back(make_route(Method::get, "/held", [&mark, &test](Exchange& exchange) -> awaitable<Response> {
                const runtime::OneShot<bool> released{exchange.executor};
                test.held.set_value(released);
                co_await released.wait(Deadline::never());
                co_return Response::text(200, mark.name);
            }));
            std::vector<std::shared_ptr<Middleware>> steps{std::make_shared<test::TranslateProblems>()};
            return {Pipeline{Router{std::move(routes)}, std::move(steps), 10s},
                    {},
                    FixedHeaders{std::map<std::string, std::string>{{"X-Mark", mark.name}}},
                    [&mark](auto, auto) -> std::optional<std::chrono::seconds> {
                        if (mark.name == "gone") return 1s;
                        return std::nullopt;
                    }};
        }
        Mark mark;
        const Site site;
    };
    std::shared_ptr<const Site> site(const std::string& name) {
        const auto made = std::make_shared<const Marked>(name, *this);
        return {made, &made->site};
    }
    std::atomic<int> alive{0};
    std::atomic<int> good_ends{0};
    std::promise<runtime::OneShot<bool>> held;
    boost::asio::thread_pool others{1};
};

}  // namespace

TEST_F(CurrentSiteTest, APinKeepsASiteThatIsReplaced) {
    CurrentSite current{site("a")};
    auto pin = current.pin();
    auto second = current.pin();
    current.replace(site("b"));
    EXPECT_EQ(alive, 2);
    EXPECT_NE(&*pin, &*current);
    EXPECT_EQ(&*pin, &*second);
    pin.release();
    EXPECT_FALSE(pin);
    EXPECT_EQ(alive, 2);
    auto moved = std::move(second);
    moved = {};
    EXPECT_EQ(alive, 1) << "nobody needs it any more";
    current.replace(site("c"));
    EXPECT_EQ(alive, 1) << "nobody had";
}

TEST_F(CurrentSiteTest, APinMayOutliveTheLoopsHold) {
    std::optional<CurrentSite> current{site("a")};
    auto pin = current->pin();
    current.reset();
    EXPECT_EQ(alive, 1);
    const auto shared = pin.shared();
    pin.release();
    EXPECT_EQ(alive, 1) << "this one may go anywhere";
}

TEST_F(CurrentSiteTest, ARequestEndsWithTheSiteItBeganWith) {
    HttpTestServer server{{}};
    server.listener->serve(site("a"));
    HttpClient slow{server.port()};
    ASSERT_TRUE(eventually([&] { return HttpClient{server.port()}.request("GET", "/later").body == "a"; }));
    slow.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto release = held.get_future().get();
    server.listener->serve(site("b"));
    ASSERT_TRUE(eventually([&] { return HttpClient{server.port()}.request("GET", "/later").body == "b"; }));
    EXPECT_EQ(alive, 2);
    release.set(true);
    const auto answer = slow.receive().value();
    EXPECT_EQ(answer.body, "a");
    EXPECT_EQ(answer.header("X-Mark"), "a");
    EXPECT_EQ(slow.request("GET", "/later").body, "b") << "on the same connection";
    EXPECT_TRUE(eventually([&] { return alive == 1; }));
}

// Run under ThreadSanitizer as well.
TEST_F(CurrentSiteTest, AThousandSwapsUnderLoad) {
    HttpTestServer server{{}};
    server.listener->serve(site("a"));
    ASSERT_TRUE(eventually([&] {
        return HttpClient{server.port()}.request("GET", "/later").body == "a" &&
               HttpClient{server.port()}.request("GET", "/later").body == "a";
    }));
    std::atomic<bool> over{false};
    std::atomic<int> asked_afterwards{0};
    std::mutex mutex;
    std::map<std::string, int> answers;  // by mark
    const auto load = [&] {
        HttpClient client{server.port()};
        std::map<std::string, int> mine;
        while (!over) {
            for (const auto* target : {"/at-once", "/later", "/afterwards", "/at-once", "/nowhere"}) {
                const auto answer = client.request("GET", target);
                const auto mark = answer.header("X-Mark").value_or("none");
                if (std::string_view{target} == "/nowhere") {
                    EXPECT_EQ(answer.status, 404u);
                } else {
                    EXPECT_EQ(answer.status, 200u);
                    EXPECT_EQ(answer.body, mark) << "half of each";
                }
                ++mine[mark];
            }
            const auto written = client.request("POST", "/body", "something");
            EXPECT_EQ(written.body, written.header("X-Mark"));
            ++asked_afterwards;
        }
        const std::lock_guard lock{mutex};
        for (const auto& [mark, count] : mine) answers[mark] += count;
    };
    std::vector<std::jthread> clients;
    for (int i = 0; i < 4; ++i) clients.emplace_back(load);
    for (int i = 0; i < 1000; ++i) {
        server.listener->serve(site(i % 2 == 0 ? "b" : "a"));
        // So that requests come in between, however busy the machine is.
        if (i % 20 == 0) EXPECT_EQ(HttpClient{server.port()}.request("GET", "/at-once").status, 200u);
    }
    EXPECT_TRUE(eventually([&] { return asked_afterwards >= 20; }));
    over = true;
    clients.clear();
    EXPECT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers.count("none") + answers.count("gone"), 0u);
    EXPECT_TRUE(eventually([&] { return good_ends == asked_afterwards; }));
    EXPECT_TRUE(eventually([&] { return alive == 1; })) << alive << " are left";
}

}  // namespace sluice::http
