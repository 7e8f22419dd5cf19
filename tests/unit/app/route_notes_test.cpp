#include "app/route_notes.hpp"

#include "../config/config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::app {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

std::vector<std::string> notes(const std::string& rest) {
    auto all = notes_on(config::load_text("postgres: { primary: postgresql:///x }\n" + rest));
    for (auto& note : all) note.erase(0, note.find("c.yaml"));
    return all;
}

}  // namespace

TEST(RouteNotes, AreNoneWhereAllIsMeant) {
    EXPECT_THAT(notes("tables: { city: { tags: [\"city:{id}\"] } }\n"
                      "routes:\n"
                      "  GET /cities/{id}: { params: { id: integer }, sql: \"select :id as id\","
                      " cache: { ttl: 1s, tags: [\"city:{id}\"] } }\n"
                      "  POST /cities/{id}: { params: { id: integer }, sql: \"update city set id = :id\","
                      " invalidates: [\"city:{id}\"] }\n"),
                IsEmpty());
}

TEST(RouteNotes, TellWhatIsHardlyMeant) {
    EXPECT_THAT(
        notes("routes:\n"
              "  GET /films/:id/:part: { sql: select 1 as one }\n"
              "  GET /films/{id}: { sql: select 1 as one }\n"
              "  GET /cached: { sql: select 1 as one, cache: { ttl: 1s, tags: [films] } }\n"
              "  POST /films: { sql: select 1 as one, invalidates: [\"film:{one}\"], result: one }\n"),
        ElementsAre("c.yaml:3:3: GET /films/:id/:part: the segment ':id' stands for itself; a parameter is '{id}'",
                    "c.yaml:3:3: GET /films/:id/:part: the segment ':part' stands for itself; a parameter is '{part}'",
                    "c.yaml:4:3: GET /films/{id}: the SQL does not use ':id', which is in the path",
                    "c.yaml:5:3: GET /cached: no route and no table invalidates the tag 'films': only its ttl and purges"
                    " end a copy",
                    "c.yaml:6:3: POST /films: no cached route carries the tag 'film:{one}' that it invalidates"));
}

TEST(RouteNotes, ATagThatMayBeAnotherOneMeetsIt) {
    EXPECT_THAT(notes("routes:\n"
                      "  GET /a/{kind}: { params: { kind: string }, sql: \"select :kind::text as one\","
                      " cache: { ttl: 1s, tags: [\"{kind}:all\"] } }\n"
                      "  POST /b: { sql: select 1 as one, invalidates: [\"film:all\"], result: one }\n"),
                IsEmpty());
}

}  // namespace sluice::app
