// What the program makes of its arguments: what people type by habit is understood, or answered with what they may have
// meant.
#include "support/process.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::test {

using ::testing::HasSubstr;

class CommandLine : public ::testing::Test {
    TemporaryDirectory directory_;  // before what is written there

protected:
    static CommandResult sluice(std::vector<std::string> words) {
        words.insert(words.begin(), sluice_program());
        return run_command(words);
    }
    std::string file(const std::string& text) const { return directory_.write("c.yaml", text).string(); }
    const std::string right = file(
        "postgres: { primary: \"postgresql://127.0.0.1:1/x\" }\n"
        "routes:\n  GET /films/:id: { sql: select 1 as one }\n");
};

TEST_F(CommandLine, UnderstandsWhatIsTypedByHabit) {
    struct Case {
        std::vector<std::string> words;
        std::string out;
    };
    for (const auto& [words, out] : {
             Case{{"--version"}, "sluice "},
             Case{{"-V"}, "sluice "},
             Case{{"help"}, "Usage: sluice"},
             Case{{"help", "check"}, "--offline"},
             Case{{"help", "keys", "create"}, "--tier"},
             Case{{"check", "--offline", "-c", right}, "/films/:id"},
         }) {
        const auto result = sluice(words);
        EXPECT_EQ(result.exit_code, 0) << words.front() << result.err;
        EXPECT_THAT(result.out, HasSubstr(out)) << words.front();
    }
}

TEST_F(CommandLine, SaysWhatMayHaveBeenMeant) {
    struct Case {
        std::vector<std::string> words;
        std::string err;
    };
    for (const auto& [words, err] : {
             Case{{"chek"}, "unknown command 'chek', did you mean 'check'?"},
             Case{{"keys", "lst", "-c", right}, "unknown command 'lst', did you mean 'list'?"},
             Case{{"check", "--confg", right}, "unknown option '--confg', did you mean '--config'?"},
             Case{{"check", "--ofline", "--config=" + right}, "unknown option '--ofline', did you mean '--offline'?"},
             Case{{"frobnicate"}, "unknown command 'frobnicate'; 'sluice --help' names all"},
             Case{{"check"}, "--config is required"},
         }) {
        const auto result = sluice(words);
        EXPECT_EQ(result.exit_code, 2) << words.front();
        EXPECT_THAT(result.err, HasSubstr(err));
    }
}

TEST_F(CommandLine, WithJsonErrorsAreJson) {
    const auto wrong = file("routes:\n  GET /a: { sql: select 1, tll: 3 }\n");
    struct Case {
        std::vector<std::string> words;
        int code;
    };
    for (const auto& [words, code] : {
             Case{{"chek", "--json"}, 2},
             Case{{"check", "--json"}, 2},
             Case{{"check", "--json", "-c", "/nonexistent"}, 1},
             Case{{"check", "--json", "-c", wrong}, 1},
             Case{{"keys", "list", "--json", "-c", right}, 1},
         }) {
        const auto result = sluice(words);
        EXPECT_EQ(result.exit_code, code) << result.err;
        EXPECT_TRUE(nlohmann::json::accept(result.err)) << result.err;
    }
    const auto mistakes = nlohmann::json::parse(sluice({"check", "--json", "-c", wrong}).err).at("mistakes");
    EXPECT_EQ(mistakes.at(0).at("line"), 2);
}

TEST_F(CommandLine, AnOfflineCheckAsksNothingAndSaysSo) {
    const auto result = sluice({"check", "--offline", "-c", right});
    EXPECT_EQ(result.exit_code, 0) << "nobody listens there";
    EXPECT_THAT(result.err, HasSubstr("offline"));
    EXPECT_THAT(result.err, HasSubstr("a parameter is '{id}'"));
}

}  // namespace sluice::test
