#include "policy/tag_template.hpp"

#include <gmock/gmock.h>

#include <map>

namespace sluice::policy {

using ::testing::ElementsAre;

TEST(TagTemplate, FillsInNames) {
    const std::map<std::string, std::string, std::less<>> values{{"id", "7"}, {"country", "FR"}};
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
        const auto found = values.find(name);
        return found == values.end() ? std::nullopt : std::optional{found->second};
    };
    EXPECT_EQ(TagTemplate{"city:{id}"}.fill(lookup), "city:7");
    EXPECT_EQ(TagTemplate{"{country}/{id}/x"}.fill(lookup), "FR/7/x");
    EXPECT_EQ(TagTemplate{"reviews"}.fill(lookup), "reviews");
    EXPECT_EQ(TagTemplate{"city:{other}"}.fill(lookup), std::nullopt);
}

TEST(TagTemplate, TellsNamesAndWhatStandsAroundThem) {
    EXPECT_THAT(TagTemplate{"city:{id}:{lang}"}.names(), ElementsAre("id", "lang"));
    EXPECT_THAT(TagTemplate{"city:{id}:{lang}"}.literals(), ElementsAre("city:", ":", ""));
    EXPECT_THAT(TagTemplate{"all"}.literals(), ElementsAre("all"));
}

TEST(TagTemplate, RefusesWhatIsNone) {
    for (const auto* bad : {"", "{", "a}", "{a", "{}", "{{a}}", "a\nb", "a{b", "a}b", "{a{b}}", "a{b}c}"})
        EXPECT_THROW(TagTemplate{bad}, std::invalid_argument) << bad;
}

}  // namespace sluice::policy
