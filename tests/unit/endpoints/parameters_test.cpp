#include "endpoints/parameters.hpp"
#include "support/exchange_fixture.hpp"

#include <gtest/gtest.h>

namespace sluice::endpoints {
namespace {

ParameterSettings parameter(ParameterType type) {
    ParameterSettings settings;
    settings.name = "p";
    settings.type = type;
    return settings;
}

std::optional<std::string> complaint(const ParameterSettings& settings, std::string_view text) {
    return Parameter{settings}.complaint(text);
}

}  // namespace

TEST(Parameter, ChecksTypeAndBounds) {
    auto integer = parameter(ParameterType::integer);
    integer.minimum = "1";
    integer.maximum = "9223372036854775807";
    EXPECT_EQ(complaint(integer, "1"), std::nullopt);
    EXPECT_EQ(complaint(integer, "0"), "must be at least 1");
    EXPECT_EQ(complaint(integer, "9223372036854775808"), "must be at most 9223372036854775807");
    EXPECT_EQ(complaint(integer, "1.0"), "must be an integer");
    EXPECT_EQ(complaint(integer, "1 or 1=1"), "must be an integer");
    EXPECT_EQ(complaint(parameter(ParameterType::number), "1e3"), std::nullopt);
    EXPECT_EQ(complaint(parameter(ParameterType::number), "NaN"), "must be a number");
    EXPECT_EQ(complaint(parameter(ParameterType::boolean), "true"), std::nullopt);
    EXPECT_EQ(complaint(parameter(ParameterType::boolean), "1"), "must be true or false");
}

TEST(Parameter, CountsCodePointsNotBytes) {
    auto text = parameter(ParameterType::string);
    text.min_length = 2;
    text.max_length = 3;
    EXPECT_EQ(complaint(text, "é"), "must have at least 2 characters");
    EXPECT_EQ(complaint(text, "éàü"), std::nullopt);
    EXPECT_EQ(complaint(text, "abcd"), "must have at most 3 characters");
    EXPECT_EQ(complaint(text, std::string_view{"a\0b", 3}), "must not contain NUL");
}

TEST(Parameter, MatchesPatternFormatAndEnum) {
    auto code = parameter(ParameterType::string);
    code.pattern = "^[A-Z]{2}$";
    EXPECT_EQ(complaint(code, "FR"), std::nullopt);
    EXPECT_EQ(complaint(code, "FRA"), "must match ^[A-Z]{2}$");
    auto order = parameter(ParameterType::string);
    order.enumeration = {"name", "population"};
    EXPECT_EQ(complaint(order, "name"), std::nullopt);
    EXPECT_EQ(complaint(order, "drop"), "must be one of name population");
    auto date = parameter(ParameterType::string);
    date.format = "date";
    EXPECT_EQ(complaint(date, "2024-02-29"), std::nullopt);
    EXPECT_EQ(complaint(date, "2023-02-29"), "must be a valid date");
    EXPECT_EQ(complaint(date, "2023-2-9"), "must be a valid date");
    auto moment = parameter(ParameterType::string);
    moment.format = "date-time";
    EXPECT_EQ(complaint(moment, "2024-02-29T23:59:60Z"), std::nullopt);
    EXPECT_EQ(complaint(moment, "2024-02-29T12:00:00.5+02:00"), std::nullopt);
    EXPECT_EQ(complaint(moment, "2024-02-29 12:00:00"), "must be a valid date-time");
}

TEST(Parameter, AHostilePatternInputIsLinear) {
    auto nested = parameter(ParameterType::string);
    nested.pattern = "^(a+)+$";
    EXPECT_EQ(complaint(nested, std::string(5000, 'a') + "!"), "must match ^(a+)+$");
    EXPECT_THROW(Parameter{[] {
                     auto bad = parameter(ParameterType::string);
                     bad.pattern = "(";
                     return bad;
                 }()},
                 std::invalid_argument);
}

TEST(Parameter, AnArrayBecomesALiteralWhoseItemsCannotBreakOut) {
    auto list = parameter(ParameterType::array);
    list.items = ParameterType::integer;
    EXPECT_EQ(complaint(list, "1,2,3"), std::nullopt);
    EXPECT_EQ(complaint(list, "1,x"), "each item must be an integer");
    EXPECT_EQ(complaint(list, "1,"), "each item must be an integer");
    EXPECT_EQ(Parameter{list}.bound("1,2"), R"({"1","2"})");
    EXPECT_EQ(Parameter{list}.bound(""), "{}");
    EXPECT_EQ(Parameter{parameter(ParameterType::array)}.bound(R"(a"b,c\d,null,{)"), R"({"a\"b","c\\d","null","{"})");
}

TEST(Parameter, TheItemsOfAJsonArrayAreValuesOfItsType) {
    auto list = parameter(ParameterType::array);
    list.style = ArrayStyle::json;
    list.items = ParameterType::integer;
    EXPECT_EQ(Parameter{list}.bound("[1, 5.0, 50e-1, 123456789012345678901234567890]"),
              R"({"1","5","5","123456789012345678901234567890"})");
    EXPECT_EQ(complaint(list, "[1.5]"), "each item must be an integer");
    EXPECT_EQ(complaint(list, R"(["1"])"), "each item must be an integer");
    EXPECT_EQ(complaint(list, R"({"a":1})"), "must be a JSON array");
    EXPECT_EQ(complaint(list, ""), "must be a JSON array");
    EXPECT_EQ(Parameter{list}.bound("[]"), "{}");
    list.items = ParameterType::string;
    EXPECT_EQ(Parameter{list}.bound(R"(["a,b","NULL","","\\","\"","{}"])"), R"({"a,b","NULL","","\\","\"","{}"})");
}

TEST(Parameters, BindReportsEveryMistakeAtOnce) {
    auto id = parameter(ParameterType::integer);
    id.name = "id";
    id.in_path = true;
    auto limit = parameter(ParameterType::integer);
    limit.name = "limit";
    limit.default_value = "20";
    auto needed = parameter(ParameterType::string);
    needed.name = "q";
    needed.required = true;
    const Parameters parameters{{id, limit, needed}, {"id"}};

    boost::asio::io_context loop;
    test::NoBody body;
    Exchange exchange{loop.get_executor(), body};
    exchange.path_values = {"7"};
    exchange.query = {{"q", "x"}};
    std::vector<std::optional<std::string>> values(3);
    std::vector<InputError> errors;
    parameters.bind(exchange, values, errors);
    EXPECT_TRUE(errors.empty());
    EXPECT_EQ(values, (std::vector<std::optional<std::string>>{"7", "20", "x"}));

    exchange.path_values = {"seven"};
    exchange.query = {{"limit", "1"}, {"limit", "2"}, {"Limit", "3"}};
    parameters.bind(exchange, values, errors);
    ASSERT_EQ(errors.size(), 4u);
    EXPECT_EQ(errors[0].in, "path");
    EXPECT_EQ(errors[1].message, "must be given once");
    EXPECT_EQ(errors[2].message, "is not a parameter of this resource");
    EXPECT_EQ(errors[3].name, "q");
    EXPECT_EQ(errors[3].message, "is required");
}

TEST(Parameters, ADuplicateUnknownParameterIsReportedToo) {
    const Parameters parameters{{}, {}};
    boost::asio::io_context loop;
    test::NoBody body;
    Exchange exchange{loop.get_executor(), body};
    exchange.query = {{"a", ""}};
    std::vector<std::optional<std::string>> values;
    std::vector<InputError> errors;
    parameters.bind(exchange, values, errors);
    EXPECT_EQ(errors.size(), 1u);
}

}  // namespace sluice::endpoints
