#include "app/tag_purge.hpp"

#include <gmock/gmock.h>

namespace sluice::app {
namespace {

using postgres::InferredType;
using postgres::ParameterTypes;
using postgres::Spelling;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class TagPurge : public ::testing::Test {
protected:
    void route(const std::string& pattern, std::vector<std::string> names, std::vector<std::string> tags,
               ParameterTypes types) {
        RouteSettings made;
        made.method = Method::get;
        made.pattern = pattern;
        for (auto& name : names) {
            ParameterSettings parameter;
            parameter.name = std::move(name);
            parameter.in_path = true;
            made.parameters.push_back(std::move(parameter));
        }
        made.cache.emplace().tags = std::move(tags);
        settings.routes.push_back(std::move(made));
        types_.learn({{"GET " + pattern, std::make_shared<const ParameterTypes>(std::move(types))}});
    }
    std::vector<std::string> meant(const std::string& written) {
        return meant_tags(written, settings, types_, [](const std::string& text, unsigned type) {
            return text == "today" && type == 1082 ? std::optional<std::string>{"2026-01-01"} : std::nullopt;
        });
    }

    Settings settings;

private:
    endpoints::TagTypes types_;
};

constexpr InferredType number{Spelling::number, 23};
constexpr InferredType text{Spelling::text, 25};
constexpr InferredType date{Spelling::other, 1082};

}  // namespace

TEST_F(TagPurge, AValueIsSpelledAsTheRouteSpellsIt) {
    route("/x/{id}", {"id"}, {"x:{id}"}, {{number}});
    EXPECT_THAT(meant("x:5.0"), UnorderedElementsAre("x:5.0", "x:5"));
    EXPECT_THAT(meant("x:5"), ElementsAre("x:5"));
    EXPECT_THAT(meant("x:007"), UnorderedElementsAre("x:007", "x:7"));
    EXPECT_THAT(meant("x:abc"), ElementsAre("x:abc"));
    EXPECT_THAT(meant("y:5.0"), ElementsAre("y:5.0"));
    EXPECT_THAT(meant("x:"), ElementsAre("x:"));
    EXPECT_THAT(meant("x"), ElementsAre("x"));
}

TEST_F(TagPurge, ATextIsAsItIsWritten) {
    route("/x/{id}", {"id"}, {"x:{id}"}, {{text}});
    EXPECT_THAT(meant("x:1e5"), ElementsAre("x:1e5"));
}

TEST_F(TagPurge, PostgresIsAskedForOtherTypes) {
    route("/d/{day}", {"day"}, {"day:{day}", "days"}, {{date}});
    EXPECT_THAT(meant("day:today"), UnorderedElementsAre("day:today", "day:2026-01-01"));
    EXPECT_THAT(meant("day:nonsense"), ElementsAre("day:nonsense"));
    EXPECT_THAT(meant("days"), ElementsAre("days"));
}

TEST_F(TagPurge, EveryWayInWhichATextFitsCounts) {
    route("/a/{id}/{n}", {"id", "n"}, {"{id}:{n}/end"}, {{text}, {number}});
    EXPECT_THAT(meant("a:5.0:6.0/end"), UnorderedElementsAre("a:5.0:6.0/end", "a:5.0:6/end"));
    EXPECT_THAT(meant("a:5.0/end"), UnorderedElementsAre("a:5.0/end", "a:5/end"));
    EXPECT_THAT(meant("a:5.0/ende"), ElementsAre("a:5.0/ende"));
    EXPECT_THAT(meant("/end"), ElementsAre("/end"));
}

TEST_F(TagPurge, TwoRoutesMayMeanDifferentThings) {
    route("/x/{id}", {"id"}, {"x:{id}"}, {{number}});
    route("/y/{id}", {"id"}, {"x:{id}"}, {{text}});
    EXPECT_THAT(meant("x:5.0"), UnorderedElementsAre("x:5.0", "x:5"));
}

}  // namespace sluice::app
