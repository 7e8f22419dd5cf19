#include "app/route_check.hpp"

#include <gtest/gtest.h>

namespace sluice::app {

TEST(CheckParts, PagesNeedASecretThatSignsTheirCursors) {
    Settings settings;
    RouteSettings route;
    route.pattern = "/cities";
    route.sql().page.emplace();
    route.sql().page->by = {{"id", false, {}}};
    route.sql().page->location = {"c.yaml", 12, 5};
    settings.routes = {route};
    const auto mistakes = check_parts(settings);
    ASSERT_EQ(mistakes.size(), 1U);
    EXPECT_EQ(to_string(mistakes[0].location), "c.yaml:12:5");
    EXPECT_EQ(mistakes[0].message, "'page' needs 'auth.key_secrets': they sign its cursors");
    settings.auth.key_secrets = {"0123456789abcdef"};
    EXPECT_TRUE(check_parts(settings).empty());
}

TEST(CheckParts, APreconditionThatIsRequiredMustBePossible) {
    Settings settings;
    settings.auth.key_secrets = {"0123456789abcdef"};
    RouteSettings write;
    write.method = Method::put;
    write.pattern = "/cities/{city}/notes";
    write.sql().precondition_location = {"c.yaml", 9, 5};
    RouteSettings read;
    read.pattern = "/cities/{id}/notes";
    const auto complaint = [&](PreconditionMode mode) {
        write.sql().precondition = mode;
        settings.routes = {write, read};
        const auto mistakes = check_parts(settings);
        if (mistakes.empty()) return std::string{};
        EXPECT_EQ(mistakes.size(), 1U);
        return to_string(mistakes[0].location) + ": " + mistakes[0].message;
    };
    const std::string place = "c.yaml:9:5: 'precondition: required' ";
    EXPECT_EQ(complaint(PreconditionMode::required), "") << "whatever the parameters are called";

    ParameterSettings lang;
    lang.name = "lang";
    read.parameters = {lang};
    EXPECT_EQ(complaint(PreconditionMode::required), "");
    read.parameters[0].required = true;
    EXPECT_EQ(complaint(PreconditionMode::required),
              place +
                  "cannot be met: 'GET /cities/{id}/notes' requires the query parameter 'lang', which must be a required "
                  "parameter here, too");
    write.parameters = {lang};
    EXPECT_NE(complaint(PreconditionMode::required), "") << "it may be left out here";
    write.parameters[0].required = true;
    EXPECT_EQ(complaint(PreconditionMode::required), "");

    read.etag = EtagMode::off;
    EXPECT_EQ(complaint(PreconditionMode::required), place + "cannot be met: 'GET /cities/{id}/notes' has 'etag: off'");
    EXPECT_EQ(complaint(PreconditionMode::optional), "");
    read.etag = EtagMode::on;
    read.sql().result = ResultShape::none;
    EXPECT_EQ(complaint(PreconditionMode::required),
              place + "cannot be met: 'GET /cities/{id}/notes' has 'result: none', and so no ETag");
    read.sql().result = ResultShape::many;
    read.pattern = "/cities/{id}";
    EXPECT_EQ(complaint(PreconditionMode::required),
              place + "needs a GET route of the same path, which shows what a condition is about");
    EXPECT_EQ(complaint(PreconditionMode::optional), "");
}

TEST(NoteBounds, TellsOfAnswersThatAreTooLargeToBeKept) {
    Settings settings;
    RouteSettings route;
    route.pattern = "/cities";
    route.cache.emplace();
    settings.routes = {route, route};
    const auto notes_of = [](const Settings& of) {
        std::vector<std::string> notes;
        note_bounds(of, notes);
        return notes;
    };
    EXPECT_TRUE(notes_of(settings).empty());
    settings.cache.l1_bytes = std::size_t{40} << 20;
    ASSERT_EQ(notes_of(settings).size(), 1U) << "once for all that have the server's limit";
    EXPECT_EQ(notes_of(settings)[0],
              "cached routes: 'max_answer' allows 16777216 bytes, and an answer of more than a quarter of 'cache.l1_bytes', "
              "10485760 bytes, is not kept");
    settings.routes[1].sql().max_answer = std::size_t{11} << 20;
    ASSERT_EQ(notes_of(settings).size(), 2U);
    EXPECT_TRUE(notes_of(settings)[1].starts_with("GET /cities: 'max_answer' allows 11534336 bytes"));
    settings.routes[0].cache.reset();
    settings.routes[1].sql().max_answer = std::size_t{1} << 20;
    EXPECT_TRUE(notes_of(settings).empty());
}

TEST(NoteBounds, TellsOfASecondRedisThatIsTheFirst) {
    Settings settings;
    settings.redis.emplace().url = "redis://a";
    std::vector<std::string> notes;
    note_bounds(settings, notes);
    EXPECT_TRUE(notes.empty());
    settings.redis->cache_url = "redis://a";
    note_bounds(settings, notes);
    EXPECT_EQ(notes.size(), 1U);
}

}  // namespace sluice::app
