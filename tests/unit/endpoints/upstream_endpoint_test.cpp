// What a route makes of what a service says, without one.
#include "endpoints/upstream_endpoint.hpp"

#include "support/endpoint_fixture.hpp"

#include <boost/asio/post.hpp>

namespace sluice::endpoints {
namespace {

using namespace std::chrono_literals;
using Kind = UpstreamError::Kind;

/// One service that answers what it is told to.
class OneService final : public sluice::Upstreams {
public:
    class Service final : public Upstream {
    public:
        explicit Service(OneService& owner) : owner_{owner} {}
        awaitable<Result<UpstreamAnswer>> fetch(UpstreamRequest request, std::size_t, Deadline) override {
            co_await boost::asio::post(co_await boost::asio::this_coro::executor, use_awaitable);
            owner_.requests.push_back(std::move(request));
            if (owner_.error) co_return *owner_.error;
            UpstreamAnswer answer;
            answer.head.status = owner_.status;
            answer.body = owner_.body;
            co_return answer;
        }
        awaitable<Result<void>> pass(UpstreamRequest, UpstreamBodySource*, UpstreamAnswerSink&, Deadline) override {
            co_return UpstreamError{Kind::unavailable, "not here"};
        }

    private:
        OneService& owner_;
    };

    std::shared_ptr<Upstream> of(std::string_view service, std::string_view) override {
        return service == "quotes" ? std::make_shared<Service>(*this) : nullptr;
    }

    std::vector<UpstreamRequest> requests;
    std::optional<UpstreamError> error;
    unsigned status = 200;
    std::string body = R"({"a":[1.10]})";
};

class UpstreamEndpointTest : public test::EndpointTest {
protected:
    static RouteSettings route() {
        RouteSettings made;
        made.pattern = "/q/{symbol}";
        ParameterSettings symbol;
        symbol.name = "symbol";
        symbol.in_path = symbol.required = true;
        made.parameters = {symbol};
        UpstreamRoute upstream;
        upstream.call.service = "quotes";
        upstream.call.path.text = "/latest/{symbol}";
        made.kind = upstream;
        return made;
    }
    std::shared_ptr<UpstreamEndpoint> make(RouteSettings settings) {
        return std::make_shared<UpstreamEndpoint>(
            std::move(settings), std::vector<std::string>{"symbol"}, service, cache,
            UpstreamEndpoint::Defaults{.body_lane = &lane, .coherence = &coherence, .key_secrets = {}});
    }
    Response ask(const UpstreamEndpoint& endpoint, std::vector<HeaderField> fields = {}) {
        return EndpointTest::ask(endpoint, Method::get, {"/q/{symbol}", {"a"}, {}, {}, std::move(fields)});
    }

    OneService service;
};

}  // namespace

TEST_F(UpstreamEndpointTest, ASharedCopyIsAskedForInNobodysName) {
    auto shared = route();
    shared.cache.emplace().ttl = 1h;
    EXPECT_EQ(ask(*make(shared)).body_view(), R"({"data":{"a":[1.10]}})");
    ASSERT_EQ(service.requests.size(), 1u);
    EXPECT_EQ(service.requests[0].caller.tier, "");
    EXPECT_EQ(service.requests[0].caller.request_id, "r1");
    EXPECT_EQ(ask(*make(shared)).headers.find("Cache-Status")->substr(0, 11), "sluice; hit")
        << "another configuration, the same";
    auto own = shared;
    own.cache->vary.identity = true;
    EXPECT_EQ(ask(*make(own)).status, 200u);
    EXPECT_EQ(service.requests.back().caller.tier, "anonymous");
    auto other = shared;
    std::get<UpstreamRoute>(other.kind).call.pick = "/a/0";
    EXPECT_EQ(ask(*make(other)).body_view(), R"({"data":1.10})") << "another call shares no copies with it";
}

TEST_F(UpstreamEndpointTest, ACopyWithTagsEndsWhenOneIsInvalidated) {
    auto tagged = route();
    tagged.cache.emplace().ttl = 1h;
    tagged.cache->tags = {"quote:{symbol}"};
    const auto endpoint = make(tagged);
    const auto is_hit = [&] { return ask(*endpoint).headers.find("Cache-Status")->starts_with("sluice; hit"); };
    EXPECT_FALSE(is_hit());
    EXPECT_TRUE(is_hit()) << "though it is not the database's";
    const std::vector<policy::Invalidation> other{{1, 2'000, policy::Invalidation::Kind::tag, "quote:b", false}};
    coherence.learn(other, Clock::now());
    EXPECT_TRUE(is_hit());
    const std::vector<policy::Invalidation> its{{2, 2'001, policy::Invalidation::Kind::tag, "quote:a", false}};
    coherence.learn(its, Clock::now());
    EXPECT_FALSE(is_hit());
}

TEST_F(UpstreamEndpointTest, EachFailureHasItsStatus) {
    const auto endpoint = make(route());
    const std::vector<std::pair<Kind, unsigned>> kinds{
        {Kind::unavailable, 503},    {Kind::overloaded, 503}, {Kind::refused, 503}, {Kind::untrusted, 502},
        {Kind::reset, 502},          {Kind::timed_out, 504},  {Kind::cut_off, 502}, {Kind::not_http, 502},
        {Kind::body_too_large, 502}, {Kind::invalid, 400}};
    for (const auto& [kind, status] : kinds) {
        service.error = UpstreamError{kind, "a host name"};
        const auto answer = ask(*endpoint);
        EXPECT_EQ(answer.status, status) << to_string(kind);
        EXPECT_EQ(answer.body_view().find("a host name"), std::string_view::npos) << "for the log only";
        EXPECT_EQ(answer.headers.find("Retry-After").has_value(), status == 503u);
    }
}

TEST_F(UpstreamEndpointTest, LargeAnswersAreLookedAtElsewhere) {
    service.body = "[" + std::string(200'000, ' ') + "1]";
    auto picked = route();
    std::get<UpstreamRoute>(picked.kind).call.pick = "/0";
    EXPECT_EQ(ask(*make(picked)).body_view(), R"({"data":1})");
    service.body.pop_back();
    EXPECT_EQ(ask(*make(picked)).status, 502u) << "cut off, it is no JSON";
}

TEST_F(UpstreamEndpointTest, WithoutTheServiceThereIsNoRoute) {
    auto unknown = route();
    std::get<UpstreamRoute>(unknown.kind).call.service = "nobody";
    EXPECT_THROW(make(unknown), std::invalid_argument);
}

}  // namespace sluice::endpoints
