#include "support/costly_bodies.hpp"

#include <functional>
#include <string_view>

namespace sluice::test {
namespace {

/// As many parts as fit, between `open` and `close`.
std::string filled(std::size_t size, std::string_view open, const std::function<std::string(std::size_t)>& part,
                   std::string_view close) {
    std::string text{open};
    for (std::size_t i = 0;; ++i) {
        auto next = (i == 0 ? "" : ",") + part(i);
        if (text.size() + next.size() + close.size() > size) break;
        text += next;
    }
    return text.append(close);
}

std::string list(std::size_t size, const std::string& item) {
    return filled(
        size, "[", [&](std::size_t) { return item; }, "]");
}

std::string numbered_list(std::size_t size, const std::string& before, const std::string& behind) {
    return filled(
        size, "[", [&](std::size_t i) { return before + std::to_string(100'000 + i) + behind; }, "]");
}

std::string members(std::size_t size, const std::string& name, const std::string& value) {
    const auto member = [&](std::size_t i) { return "\"" + name + std::to_string(i) + "\":" + value; };
    return filled(size, "{", member, "}");
}

std::string repeated(std::size_t size, std::string_view open, std::string_view part, std::string_view close) {
    std::string text{open};
    while (text.size() + part.size() + close.size() <= size) text += part;
    return text.append(close);
}

std::string nested(std::size_t levels, const std::string& name, const std::string& innermost) {
    std::string text;
    for (std::size_t i = 0; i < levels; ++i) text.append("{\"").append(name).append("\":");
    return text + innermost + std::string(levels, '}');
}

std::string alternatives(const std::string& word, std::size_t count) {
    std::string schema = "{\"items\":{\"" + word + "\":[";
    for (std::size_t i = 0; i < count; ++i) {
        const auto bound = std::to_string(i);
        schema.append(i == 0 ? "" : ",")
            .append(R"({"type":"number","minimum":1e)" + bound + R"(,"multipleOf":0.37)" + bound + "}");
    }
    return schema + "]}}";
}

std::string long_enum() {
    std::string schema = R"({"items":{"enum":[)";
    for (std::size_t i = 0; i < 1'000; ++i)
        schema.append(i == 0 ? "\"" : ",\"").append(200, 'x').append(std::to_string(i)).append("\"");
    return schema + "]}}";
}

std::string many_required() {
    std::string schema = R"({"items":{"required":[)";
    for (std::size_t i = 0; i < 200; ++i) schema.append(i == 0 ? "\"n" : ",\"n").append(std::to_string(i)).append("\"");
    return schema + "]}}";
}

}  // namespace

std::vector<CostlyBody> costly_bodies(std::size_t size) {
    const std::string twice =
        R"({"type":"object","anyOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]})";
    const std::string unfortunate = R"(^(([a-z0-9]+)-?)*$)";
    const std::string large_automaton = R"((a|b)*a(a|b){24}c$)";
    const std::string automaton_body = repeated(size, "\"", "abbabaab", "\"");
    const auto item = [](const std::string& schema) { return R"({"items":)" + schema + "}"; };
    const std::string name(size / 400, 'n');
    return {
        {"ones", item(R"({"type":"integer","minimum":0})"), list(size, "1")},
        {"fractions", item(R"({"minimum":0.5,"multipleOf":0.001})"), list(size, "1.5")},
        {"tiny numbers", item(R"({"exclusiveMinimum":0})"), list(size, "1e-4900")},
        {"huge numbers", item(R"({"multipleOf":0.123456789})"), list(size, "7e4931")},
        {"one long number", R"({"minimum":0.5,"multipleOf":0.123456789012345678})", repeated(size, "0.", "123456789", "1")},
        {"empty lists", item(R"({"type":"array"})"), list(size, "[]")},
        {"empty objects", item(R"({"type":"object","properties":{"a":{"type":"null"}}})"), list(size, "{}")},
        {"anyOf", alternatives("anyOf", 40), list(size, "0.5")},
        {"oneOf", alternatives("oneOf", 40), list(size, "0.5")},
        {"recursive $ref", twice, nested(250, "a", "1")},
        {"enum of texts", long_enum(), list(size, "\"" + std::string(200, 'x') + "z\"")},
        {"uniqueItems", R"({"uniqueItems":true})", numbered_list(size, "", "")},
        {"uniqueItems, alike", R"({"uniqueItems":true})",
         numbered_list(size, "[\"" + std::string(300, 'x') + "\",[[[[[[[[1,2,3,4]]]]]]]],", "]")},
        {"uniqueItems at each level", R"({"uniqueItems":true,"items":{"$ref":"#"}})",
         std::string(200, '[') + numbered_list(size > 500 ? size - 400 : size, "", "") + std::string(200, ']')},
        {"patternProperties", R"({"patternProperties":{")" + unfortunate + R"(":{"type":"string"}}})",
         members(size, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_", "\"\"")},
        {"patternProperties, long name", R"({"patternProperties":{")" + unfortunate + R"(":{"type":"string"}}})",
         repeated(size, "{\"", "aaaaaaaaaaaa", "_\":1}")},
        {"pattern of a large automaton", R"({"pattern":")" + large_automaton + R"("})", automaton_body},
        {"pattern of many repetitions", R"({"pattern":"^(.{0,500}x){1,2}$"})", automaton_body},
        {"format", R"({"format":"email"})", repeated(size, "\"", "a@", "\"")},
        {"format of items", item(R"({"format":"date-time"})"), list(size, R"("2026-01-01T00:00:00.5+01:00")")},
        {"propertyNames", R"({"propertyNames":{"maxLength":20,"pattern":"^[a-z0-9]*$"}})", members(size, "n", "0")},
        {"no members allowed", R"({"additionalProperties":false})", members(size, "n", "0")},
        {"the same member", R"({"properties":{"a":{"type":"integer"}}})",
         filled(
             size, "{", [](std::size_t) { return std::string{R"("a":1)"}; }, "}")},
        {"required of items", many_required(), list(size, "{}")},
        {"contains", R"({"contains":{"type":"string"}})", list(size, "1")},
        {"dependencies", item(R"({"dependencies":{"a":["b","c"],"d":{"required":["e"]}}})"), list(size, R"({"a":1,"d":1})")},
        {"if", item(R"({"if":{"minimum":2},"then":{"maximum":1},"else":{"not":{"not":{"minimum":1}}}})"), list(size, "1")},
        {"deep places with long names", R"({"additionalProperties":{"$ref":"#"},"type":["object"]})",
         nested(250, name, list(size / 6, "1"))},
        {"one long text", R"({"minLength":5,"maxLength":5000000})", repeated(size, "\"", "é", "\"")},
        {"escapes", R"({"type":"string","maxLength":10})", repeated(size, "\"", R"(\u00e9\n)", "\"")},
        {"pairs of escapes", R"({"type":"object"})", repeated(size, "\"", R"(\ud83d\ude00)", "\"")},
        {"white space", "{}", repeated(size, "[", " ", "]")},
        {"invalid at the end", "{}", list(size - 1, "1") + "]"},
    };
}

}  // namespace sluice::test
