#include "endpoints/request_values.hpp"

#include "support/endpoint_fixture.hpp"

#include <gmock/gmock.h>

namespace sluice::endpoints {
namespace {

using ::testing::ElementsAre;

RouteSettings route() {
    RouteSettings made;
    made.method = Method::post;
    made.pattern = "/a/{id}";
    ParameterSettings id;
    id.name = "id";
    id.in_path = id.required = true;
    id.type = ParameterType::integer;
    ParameterSettings dry;
    dry.name = "dry";
    dry.type = ParameterType::boolean;
    dry.default_value = "false";
    made.parameters = {id, dry};
    made.body_schema = R"({"type":"object","properties":{"n":{"type":"number"},"t":{"type":"string"}}})";
    made.body_properties = {"n", "t"};
    made.sql().text = "select :id, :dry, :n, :t";
    return made;
}

/// Shows what was bound.
struct Bound {
    const RequestValues& values;
    Outcome handle(Exchange& exchange) const { return answer(exchange); }
    awaitable<Response> answer(Exchange& exchange) const {
        RequestValues::Values bound;
        std::vector<InputError> errors;
        if (!values.bind_at_once(exchange, bound, errors)) co_return Response::empty(599);
        if (!errors.empty()) co_return Response::text(400, errors.front().name);
        InFlight::Held held;
        if (auto refusal = co_await values.bind_body(exchange, bound, held)) co_return std::move(*refusal);
        std::string all;
        for (const auto& one : bound) all += one.value_or("-") + "|";
        co_return Response::text(200, all);
    }
};

class RequestValuesTest : public test::EndpointTest {
protected:
    RequestValues values{route(), {"id"}, {1024, &lane}, std::make_shared<const InFlight>(nullptr, nullptr)};
    Response post(std::vector<QueryParameter> query, std::string body, std::string_view type = "application/json") {
        return ask(Bound{values}, Method::post,
                   {"/a/{id}", {"7"}, std::move(query), std::move(body), {{"Content-Type", type}}});
    }
};

}  // namespace

TEST_F(RequestValuesTest, AreParametersMembersAndWhoAsks) {
    EXPECT_THAT(values.names(), ElementsAre("id", "dry", "n", "t", "body", "key_id", "sub", "claims"));
    EXPECT_EQ(post({}, R"({"n":1.10,"t":"x"})").body, R"(7|false|1.10|x|{"n":1.10,"t":"x"}|-|-|-|)");
    EXPECT_EQ(post({{"dry", "true"}}, "{}").body, "7|true|-|-|{}|-|-|-|");
}

TEST_F(RequestValuesTest, WhatIsWrongIsRefused) {
    EXPECT_EQ(post({{"dry", "x"}}, "{}").body, "dry");
    EXPECT_EQ(post({{"other", "1"}}, "{}").body, "other");
    EXPECT_EQ(post({}, "{").status, 400u);
    EXPECT_EQ(post({}, R"({"n":"x"})").status, 422u);
    const auto form = post({}, "{}", "text/plain");
    EXPECT_EQ(form.status, 415u);
    EXPECT_EQ(form.headers.find("Accept"), "application/json");
}

}  // namespace sluice::endpoints
