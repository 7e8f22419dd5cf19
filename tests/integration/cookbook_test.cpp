// The examples of docs/cookbook.md against PostgreSQL.
#include "support/process.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace sluice::test {
namespace {

std::vector<std::string> blocks(const std::string& language) {
    std::ifstream stream{SLUICE_SOURCE_DIR "/docs/cookbook.md"};
    const std::string text{std::istreambuf_iterator<char>{stream}, {}};
    const auto open = "```" + language + "\n";
    std::vector<std::string> found;
    for (auto at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
        at += open.size();
        found.push_back(text.substr(at, text.find("\n```", at) + 1 - at));
    }
    return found;
}

/// Their tables in a schema of their own, in front of the others.
Environment environment() {
    auto made = world_environment();
    auto& url = made.at("SLUICE_PG_PRIMARY");
    url += (url.find('?') == std::string::npos ? "?" : "&") + std::string{"options=-csearch_path%3Dcookbook%2Cpublic"};
    return made;
}

}  // namespace

TEST(Cookbook, EveryExampleIsRight) {
    const auto with_tables = environment();
    const auto psql = [&](const std::string& sql) {
        const auto ran = run_command({"psql", "-v", "ON_ERROR_STOP=1", "-qc", sql, with_tables.at("SLUICE_PG_PRIMARY")});
        EXPECT_EQ(ran.exit_code, 0) << ran.err;
    };
    psql("drop schema if exists cookbook cascade; create schema cookbook");
    const auto tables = blocks("sql");
    ASSERT_EQ(tables.size(), 1u);
    psql(tables.front());

    const auto examples = blocks("yaml");
    EXPECT_GT(examples.size(), 10u);
    const TemporaryDirectory directory;
    std::string all = "postgres: { primary: \"${SLUICE_PG_PRIMARY}\" }\nroutes:\n";
    for (const auto& example : examples) {
        ASSERT_TRUE(example.starts_with("routes:\n")) << example;
        all += example.substr(std::string{"routes:\n"}.size());
    }
    const auto file = directory.write("cookbook.yaml", all);
    const auto checked = run_command({sluice_program(), "check", "--config", file.string()}, with_tables);
    EXPECT_EQ(checked.exit_code, 0) << checked.err;
    psql("drop schema cookbook cascade");
}

}  // namespace sluice::test
