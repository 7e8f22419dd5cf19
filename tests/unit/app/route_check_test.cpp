#include "app/route_check.hpp"

#include <gtest/gtest.h>

namespace sluice::app {

TEST(CheckParts, PagesNeedASecretThatSignsTheirCursors) {
    Settings settings;
    SqlRouteSettings route;
    route.pattern = "/cities";
    route.page.emplace();
    route.page->by = {{"id", false, {}}};
    route.page->location = {"c.yaml", 12, 5};
    settings.routes = {route};
    const auto mistakes = check_parts(settings);
    ASSERT_EQ(mistakes.size(), 1U);
    EXPECT_EQ(to_string(mistakes[0].location), "c.yaml:12:5");
    EXPECT_EQ(mistakes[0].message, "'page' needs 'auth.key_secrets': they sign its cursors");
    settings.auth.key_secrets = {"0123456789abcdef"};
    EXPECT_TRUE(check_parts(settings).empty());
}

}  // namespace sluice::app
