#include "json/property_types.hpp"

#include "json/schema.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::endpoints {

TEST(PropertyTypes, NullApartTheyDecideWhatIsBound) {
    struct Case {
        std::string schema;
        ParameterType type;
        bool integers_alone;
    };
    const std::string definitions = R"("definitions":{"id":{"type":"integer"},"maybe":{"type":["integer","null"]},
                                                       "circle":{"anyOf":[{"$ref":"#/definitions/circle"}]}})";
    for (const auto& [schema, type, integers_alone] : std::vector<Case>{
             {R"({"type":"integer"})", ParameterType::integer, true},
             {R"({"type":["integer","null"]})", ParameterType::integer, true},
             {R"({"type":["null","number"]})", ParameterType::number, false},
             {R"({"type":["integer","number","null"]})", ParameterType::number, false},
             {R"({"type":["boolean","null"]})", ParameterType::boolean, false},
             {R"({"type":["string","null"]})", ParameterType::string, false},
             {R"({"type":["integer","string"]})", ParameterType::string, true},
             {R"({"type":["integer","boolean"]})", ParameterType::string, true},
             {R"({"type":"null"})", ParameterType::string, false},
             {R"({"type":["array","object"]})", ParameterType::string, false},
             {R"({"enum":[1,2,3]})", ParameterType::integer, true},
             {R"({"enum":[1,2.0,null]})", ParameterType::integer, true},
             {R"({"enum":[1,2.5]})", ParameterType::number, false},
             {R"({"enum":[true,false,null]})", ParameterType::boolean, false},
             {R"({"enum":[1,"auto"]})", ParameterType::string, true},
             {R"({"type":["number","null"],"enum":[1,2]})", ParameterType::integer, true},
             {R"({"const":5})", ParameterType::integer, true},
             {R"({"anyOf":[{"type":"integer"},{"type":"null"}]})", ParameterType::integer, true},
             {R"({"oneOf":[{"type":"null"},{"type":"number"}]})", ParameterType::number, false},
             {R"({"oneOf":[{"type":"null"},true]})", ParameterType::string, false},
             {R"({"$ref":"#/definitions/id"})", ParameterType::integer, true},
             {R"({"$ref":"#/definitions/maybe"})", ParameterType::integer, true},
             {R"({"anyOf":[{"$ref":"#/definitions/id"},{"type":"null"}]})", ParameterType::integer, true},
             {R"({"allOf":[{"$ref":"#/definitions/maybe"},{"minimum":1}]})", ParameterType::integer, true},
             {R"({"$ref":"#/definitions/circle"})", ParameterType::string, false},
             {R"({"minimum":1})", ParameterType::string, false},
             {"true", ParameterType::string, false},
         }) {
        const auto types =
            json::property_types(json::read_schema(R"({"properties":{"v":)" + schema + "}," + definitions + "}"), "v");
        EXPECT_EQ(types.parameter_type(), type) << schema;
        EXPECT_EQ(types.integers_alone(), integers_alone) << schema;
    }
    EXPECT_EQ(json::property_types(json::read_schema("{}"), "v").parameter_type(), ParameterType::string);
}

TEST(PropertyTypes, MembersAreFoundByTheirPathWhereverTheyAreDeclared) {
    const auto schema = json::read_schema(R"({"$ref":"#/definitions/order","definitions":{
        "order":{"properties":{"n":{"type":"integer"},"in":{"anyOf":[{"$ref":"#/definitions/a"},{"$ref":"#/definitions/b"}]},
                               "self":{"$ref":"#/definitions/order"},"list":{"type":["array","null"]}}},
        "a":{"properties":{"x":{"type":"integer"},"y":{"type":"boolean"}}},
        "b":{"allOf":[{"properties":{"x":{"type":"number"}}}]}}})");
    const auto type = [&](const std::vector<std::string>& path) {
        return json::property_types(schema, path).parameter_type();
    };
    EXPECT_EQ(type({"n"}), ParameterType::integer);
    EXPECT_EQ(type({"self", "self", "n"}), ParameterType::integer);
    EXPECT_EQ(type({"in", "x"}), ParameterType::number) << "either";
    EXPECT_EQ(type({"in", "y"}), ParameterType::boolean);
    EXPECT_TRUE(json::property_types(schema, std::vector<std::string>{"list"}).array);
    EXPECT_FALSE(json::property_types(schema, std::vector<std::string>{"list"}).others);
    EXPECT_TRUE(json::declares(schema, {"in", "x"}));
    EXPECT_FALSE(json::declares(schema, {"in", "z"}));
    EXPECT_FALSE(json::declares(schema, {"n", "x"}));
    EXPECT_FALSE(json::declares(json::read_schema(R"({"$ref":"#"})"), {"x"}));
}

}  // namespace sluice::endpoints
