// What is no YAML, or not the YAML that was meant: what is said of it, and where.
#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct YamlCase {
    std::string yaml;
    std::string mistake;  // without `c.yaml:`
};

const std::vector<YamlCase> cases{
    // tabs
    {"log:\n\tlevel: info\n", "2:1: YAML: a tab in the indentation: YAML wants spaces, two for each level"},
    {"log:\n  level: info\n\tformat: json\n", "3:1: YAML: a tab in the indentation: YAML wants spaces, two for each level"},
    {"log:\r\n  level: info\r\n  \tformat: json\r\n",
     "3:3: YAML: a tab in the indentation: YAML wants spaces, two for each level"},
    {"routes:\n  GET /a:\n    sql: |\n\t\tselect 1\n",
     "4:1: YAML: a tab in the indentation: YAML wants spaces, two for each level"},
    // quotes
    {"log:\n  format: json\n  level: \"info\nredis: x\n",
     "3:10: YAML: unclosed quote that begins at line 3: the \" that ends the text is missing"},
    {"log:\n  level: 'info\n", "2:10: YAML: unclosed quote that begins at line 2: the ' that ends the text is missing"},
    {"log:\n  level: \"info\n  format: \"json\"\n",
     "2:10: YAML: unclosed quote that begins at line 2: it goes on to the next \", in line 3"},
    {"routes: { GET /a: { summary: 'one, sql: select 1 } }\n",
     "1:30: YAML: unclosed quote that begins at line 1: the ' that ends the text is missing"},
    {"routes:\n  GET /a:\n    sql: 'select 'x' as a'\n",
     "3:19: YAML: there is more behind the closing quote: put all of the text in quotes; within them '' stands for '"},
    {"routes:\n  GET /a:\n    sql: \"select 1\" as a\n",
     "3:21: YAML: there is more behind the closing quote: put all of the text in quotes; within them \\\" stands for \""},
    {"routes:\n  GET /a:\n    sql: \"select '\\d'\"\n",
     "3:19: YAML: a backslash in \"…\" begins an escape, and there is none like this: write \\\\ for a backslash, or put "
     "the text in"
     " '…'"},
    {"routes:\n  GET /a:\n    sql: \"größe\" 1\n",
     "3:18: YAML: there is more behind the closing quote: put all of the text in quotes; within them \\\" stands for \""},
    // what a text cannot begin with
    {"routes:\n  GET /a:\n    summary: {id}\n", "3:14: YAML: a text cannot begin with '{': put it in quotes: \"{id}\""},
    {"routes:\n  GET /a:\n    summary: {id} of a film\n",
     "3:14: YAML: a text cannot begin with '{': put it in quotes: \"{id} of a film\""},
    {"routes:\n  GET /a:\n    summary: [one] film\n",
     "3:14: YAML: a text cannot begin with '[': put it in quotes: \"[one] film\""},
    {"routes:\n  GET /a:\n    summary: @film # all\n",
     "3:14: YAML: a text cannot begin with '@': put it in quotes: \"@film\""},
    {"routes:\n  GET /a:\n    summary: `film`\n", "3:14: YAML: a text cannot begin with '`': put it in quotes: \"`film`\""},
    {"routes:\n  GET /a:\n    summary: %film\n", "3:14: YAML: a text cannot begin with '%': put it in quotes: \"%film\""},
    {"%film: 1\n", "1:1: YAML: a text cannot begin with '%': put it in quotes"},
    {"routes:\n  GET /a:\n    summary: *film\n",
     "3:14: YAML: a text cannot begin with '*', which repeats what an anchor names, and there is no such anchor: put it in"
     " quotes: \"*film\""},
    {"routes:\n  GET /a:\n    summary: &film\n    sql: select 1 as one\n",
     "3:14: YAML: '&' begins the name of an anchor, and nothing follows it: put a text in quotes"},
    {"routes:\n  GET /a:\n    summary: !film\n    sql: select 1 as one\n",
     "3:14: YAML: '!' begins the name of a type, and there is none like this: put a text in quotes"},
    {"routes:\n  GET /a:\n    summary: }\n",
     "3:14: YAML: a text cannot begin with '}', which closes a bracket, and none is open: put it in quotes: \"}\""},
    {"routes:\n  GET /a:\n    summary: , one\n", "3:14: YAML: a text cannot begin with ',': put it in quotes: \", one\""},
    {"routes:\n  GET /a:\n    summary: ? one\n", "3:14: YAML: a text cannot begin with '? ': put it in quotes: \"? one\""},
    {"auth:\n  key_secrets: {0123456789abcdef}\n", "2:16: YAML: a text cannot begin with '{': put it in quotes"},
    {"server:\n  admin_token: @0123456789abcdef\n", "2:16: YAML: a text cannot begin with '@': put it in quotes"},
    // colons
    {"log:\n  level:info\n", "2:3: 'log' must be a mapping, not a text: a space is missing behind its ':'"},
    {"log:\n  level:info\n  format: json\n", "2:8: YAML: a space is missing behind the ':'"},
    {"log:\n  format: json\n  level:info\n", "3:3: YAML: a space is missing behind the ':' of the key 'level'"},
    {"log:\n  \"level\":info\n", "2:10: YAML: a space is missing behind the ':'"},
    {"log: { level:info }\n", "1:8: YAML: a space is missing behind the ':' of the key 'level'"},
    {"routes:\n  GET /a:\n    summary: Films: all of them\n",
     "3:19: YAML: ': ' in the middle of a text: put the text in quotes, or write it below its key, behind '|'"},
    {"routes:\n  GET /a:\n    summary: Größe: alle\n",
     "3:19: YAML: ': ' in the middle of a text: put the text in quotes, or write it below its key, behind '|'"},
    {"log:\n  level\n  format: json\n",
     "2:3: YAML: this line has no ':' behind a key, nor is it a text that goes on: indent it below its key, or write 'key: "
     "value'"},
    {"log:\n  format: json\n  level\n",
     "3:3: YAML: no ':' behind the key 'level': write 'key: value', or indent a text below its key"},
    {"routes:\n  GET /a:\n    sql: |\n    select 1\n",
     "4:5: YAML: no ':' behind the key 'select 1': write 'key: value', or indent a text below its key"},
    // indentation
    {"log:\n  level: info\n format: json\n",
     "3:2: YAML: bad indentation: no line above that this could go on with begins in this column"},
    {"log:\n  level: info\n   format: json\n",
     "3:4: YAML: bad indentation: it is deeper than line 2, whose key has its value already"},
    {"routes:\n  GET /a:\n    sql: |\n        select 1\n      from t\n    summary: x\n",
     "5:7: YAML: bad indentation: it is less than that of the text that begins below line 3, and fits no key above it"},
    {"log:\n  level: info\n- x\n", "3:1: YAML: bad indentation: a list entry stands where a key is expected"},
    {"include: - a.yaml\n",
     "1:10: YAML: a list cannot begin behind its key: write '- …' into the lines below, or '[…, …]' here"},
    {"routes:\n  GET /a:\n    sql: | select 1\n",
     "3:12: YAML: behind '|' or '>' the line must end: the text goes into the lines below, indented"},
    // brackets
    {"include: [a.yaml\nlog: {}\n",
     "1:10: YAML: '[' that begins at line 1 is not closed: ']' or ',' is missing before line 2; a text that holds brackets "
     "needs"
     " quotes"},
    {"log:\n  { level: info\nredis: {}\n",
     "2:3: YAML: '{' that begins at line 2 is not closed: '}' or ',' is missing before line 3; a text that holds brackets "
     "needs"
     " quotes"},
    {"server: { admin_token: ${TOKEN} }\n", "1:24: YAML: '${…}' within brackets needs quotes"},
    {"server: {\n  listen: \"${A}\",\n  admin_token: ${TOKEN}\n}\n", "3:16: YAML: '${…}' within brackets needs quotes"},
    // documents and files
    {"log: {}\n---\nlog: {}\n",
     "2:1: YAML: a second document begins at '---', and a file holds one: take the line out, or 'include' another file"},
    {"log: {}\n...\nlog: {}\n",
     "2:1: YAML: a second document begins at '...', and a file holds one: take the line out, or 'include' another file"},
    {"- log\nlog: {}\n",
     "2:1: YAML: this does not go on with what stands above: a file is one mapping, whose keys begin in one column"},
    {"- log: {}\n", "1:1: the configuration must be a mapping, not a list"},
    {"log\n", "1:1: the configuration must be a mapping, not a text"},
    {"log: {}\nlog: {}\n", "2:1: duplicate key 'log', first given in line 1"},
    {"log: { level: info, level: debug }\n", "1:21: duplicate key 'level', first given in line 1"},
    {"\xEF\xBB\xBFlog: { levle: info }\n", "1:8: unknown key 'levle', did you mean 'level'?"},
    {std::string("\xFF\xFEl\0o\0g\0:\0", 10), "1:1: the file is UTF-16: save it as UTF-8"},
    {std::string("\xFE\xFF\0l\0o\0g\0:", 10), "1:1: the file is UTF-16: save it as UTF-8"},
    {std::string("l\0o\0g\0:\0", 8), "1:1: the file is UTF-16: save it as UTF-8"},
    {std::string("log: {}\nx: 1\0", 13), "2:5: a NUL byte: the file is no text"},
    {"log: {}\n# gr\xF6\xDF"
     "e\n",
     "2:5: a byte that is no UTF-8: save the file as UTF-8"},
    {"log: { größe: 1, levle: info }\n", "1:8: unknown key 'größe'; known here: 'format', 'level', 'access'"},
};

}  // namespace

TEST(YamlMistakes, SayWhatIsWrongAndWhere) {
    for (const auto& [yaml, mistake] : cases) {
        const auto said = mistakes_in(yaml);
        EXPECT_THAT(said, Contains("c.yaml:" + mistake)) << yaml;
    }
}

// One mistake is not told twice, and hides none of another kind.
TEST(YamlMistakes, StandBesideOthers) {
    EXPECT_THAT(mistakes_in(with_route("GET /a", "summary: {id}\nsql: select 1 as one\nlimitt: 1")),
                ElementsAre("c.yaml:3:14: YAML: a text cannot begin with '{': put it in quotes: \"{id}\"",
                            "c.yaml:5:5: unknown key 'limitt', did you mean 'limit'?"));
    EXPECT_THAT(mistakes_in("log: { größe: 1, levle: info }\n"),
                ElementsAre("c.yaml:1:8: unknown key 'größe'; known here: 'format', 'level', 'access'",
                            "c.yaml:1:18: unknown key 'levle', did you mean 'level'?"));
}

TEST(YamlMistakes, AnIncludedFileIsNamed) {
    ConfigFiles files;
    files.write("c.yaml", "include: [more.yaml]\n");
    files.write("more.yaml", "routes:\n\tGET /a: {}\n");
    EXPECT_THAT(files.mistakes(),
                ElementsAre("more.yaml:2:1: YAML: a tab in the indentation: YAML wants spaces, two for each"
                            " level"));
}

TEST(YamlMistakes, AreNoneInWhatYamlAllows) {
    for (const std::string yaml :
         {"", "# nothing\n", "---\nlog: {}\n", "---\nlog: {}\n...\n", "%YAML 1.2\n---\nlog: {}\n", "\xEF\xBB\xBFlog: {}\n",
          "log: {\n\t}\n", "log:\r\n  level: info\r\n", "log: {level: info}\n", "log: {\"level\":info}\n",
          "log:\n  level: \"in\\\n    fo\"\n", "x-a: &a {level: info}\nlog: *a\n", "? log\n: level: info\n",
          "log:\n  ? level\n  : info\n", "x-t: |\n  \ttab\n", "x-t: \"one\n\ttwo\"\n", "x-t: !!str 1\n"}) {
        EXPECT_THAT(mistakes_in(yaml), IsEmpty()) << yaml;
    }
}

}  // namespace sluice::config
