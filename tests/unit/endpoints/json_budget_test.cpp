// Bodies that are made to cost: how often a schema is evaluated, and how deep that leads, is bounded.
#include "endpoints/json_body.hpp"
#include "json/findings.hpp"

#include <gtest/gtest.h>

#include <pthread.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace sluice::endpoints {
namespace {

std::string join(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const auto part : parts) text += part;
    return text;
}

std::string nested(std::size_t levels, const std::string& innermost) {
    std::string text;
    for (std::size_t i = 0; i < levels; ++i) text += R"({"a":)";
    return text + innermost + std::string(levels, '}');
}

/// Its violations, as `name: message`; none if it fits.
std::vector<std::string> violations(const std::string& schema, const std::string& bytes) {
    const JsonBody body{schema, {}};
    const auto read = body.read(bytes);
    std::vector<std::string> found;
    if (const auto* problem = std::get_if<Problem>(&read)) {
        EXPECT_EQ(problem->status, 422u);
        for (const auto& error : problem->errors) found.push_back(error.name + ": " + error.message);
    }
    return found;
}

std::string too_costly(const std::string& bytes) {
    return ": takes more than the " + std::to_string(json::most_steps(bytes.size())) + " steps that a body of its size may";
}

/// Of not quite two mebibytes, where eight are usual: ThreadSanitizer needs one of them for itself. (One of two could be
/// given a stack of eight that an ended thread has left.)
void on_a_small_stack(std::function<void()> work) {
    ::pthread_attr_t attributes;
    ASSERT_EQ(::pthread_attr_init(&attributes), 0);
    ASSERT_EQ(::pthread_attr_setstacksize(&attributes, 1900 * 1024), 0);
    ::pthread_t thread{};
    const auto run = [](void* argument) -> void* {
        (*static_cast<std::function<void()>*>(argument))();
        return nullptr;
    };
    ASSERT_EQ(::pthread_create(&thread, &attributes, run, &work), 0);
    ::pthread_join(thread, nullptr);
    ::pthread_attr_destroy(&attributes);
}

}  // namespace

TEST(JsonBudget, ABodyThatDoublesTheWorkWithEachLevelIsRefused) {
    const auto bytes = nested(60, "1");  // 2^60 evaluations, and more for the messages
    // `@` stands for a schema that leads back to the whole one.
    for (std::string schema : std::vector<std::string>{
             R"({"type":"object","anyOf":[@,@]})", R"({"type":"object","oneOf":[@,@,false]})",
             R"({"type":"object","not":{"not":@},"if":@,"then":true,"else":@})",
             R"({"type":"object","anyOf":[{"additionalProperties":{"$ref":"#"}},{"patternProperties":{"a":{"$ref":"#"}}}]})",
             R"({"type":"object","dependencies":{"a":{"anyOf":[@,@]}}})",
             // By way of others, none of which leads to itself.
             R"({"type":"object","anyOf":[{"$ref":"#/definitions/x"},{"$ref":"#/definitions/y"}],
                 "definitions":{"x":@,"y":@}})"}) {
        constexpr auto again = R"({"properties":{"a":{"$ref":"#"}}})";
        for (auto at = schema.find('@'); at != schema.npos; at = schema.find('@')) schema.replace(at, 1, again);
        const auto found = violations(schema, bytes);
        ASSERT_FALSE(found.empty()) << schema;
        EXPECT_EQ(found.back(), too_costly(bytes)) << schema;
    }
}

TEST(JsonBudget, MessagesOfTheSameViolationsDoNotDoubleEither) {
    const auto bytes = nested(60, "1");
    const auto found = violations(R"({"type":"object","allOf":[{"properties":{"a":{"$ref":"#"}}},
                                      {"properties":{"a":{"$ref":"#"}}}]})",
                                  bytes);
    ASSERT_EQ(found.size(), 2u) << "what was found before is told";
    EXPECT_TRUE(found[0].ends_with(": must be of type object")) << found[0];
    EXPECT_EQ(found[1], too_costly(bytes));
}

TEST(JsonBudget, BodiesThatAreLargeOrDeepWithoutThatAreJudged) {
    const std::string tree = R"({"type":"object","properties":{"l":{"$ref":"#"},"r":{"$ref":"#"},
                                 "a":{"anyOf":[{"type":"string"},{"$ref":"#"}]}},"additionalProperties":false})";
    std::string balanced = "{}";
    for (int i = 0; i < 12; ++i) balanced = join({R"({"l":)", balanced, R"(,"r":)", balanced, "}"});
    EXPECT_EQ(violations(tree, balanced), std::vector<std::string>{});
    EXPECT_EQ(violations(tree, nested(255, "{}")), std::vector<std::string>{});

    // Of a list of the shortest values each may be judged by several.
    const std::string items = R"({"items":{"oneOf":[{"$ref":"#/definitions/x"},{"$ref":"#/definitions/y"},
        {"$ref":"#/definitions/z"}]},"definitions":{"x":{"type":"string"},"y":{"type":"null"},"z":{"type":"integer"}}})";
    std::string list = "[1";
    for (int i = 0; i < 20'000; ++i) list += ",1";
    EXPECT_EQ(violations(items, list + "]"), std::vector<std::string>{});
    EXPECT_EQ(violations(items, list + ",true]"),
              std::vector<std::string>{"/20001: must fit exactly one of the alternatives in 'oneOf'"});
}

TEST(JsonBudget, ASchemaThatDescendsFurtherThanTheStackAllowsRefusesTheBody) {
    std::string many = R"({"properties":{"a":{"$ref":"#"}}})";
    for (int i = 0; i < 60; ++i) many = join({R"({"not":)", many, "}"});
    on_a_small_stack([&] {
        EXPECT_EQ(violations(many, nested(255, "{}")),
                  std::vector<std::string>{": is nested too deeply to be judged by this schema"});
        EXPECT_EQ(violations(many, nested(1, "{}")), std::vector<std::string>{}) << "the thread's stack is not at fault";
    });
}

}  // namespace sluice::endpoints
