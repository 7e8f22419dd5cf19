#include "policy/glob.hpp"

#include <gtest/gtest.h>

#include <fnmatch.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::policy {

TEST(Glob, MatchesAsTheShellDoes) {
    struct Case {
        std::string pattern;
        std::string text;
        bool matches;
    };
    for (const auto& [pattern, text, expected] : std::vector<Case>{
             {"", "", true},
             {"", "a", false},
             {"*", "", true},
             {"*", "/v1/cities?limit=5", true},
             {"/v1/*", "/v1/cities/5", true},
             {"/v1/*", "/v2/cities/5", false},
             {"/v1/cities/?", "/v1/cities/5", true},
             {"/v1/cities/?", "/v1/cities/55", false},
             {"/v1/cities/[0-9]", "/v1/cities/5", true},
             {"/v1/cities/[!0-9]", "/v1/cities/5", false},
             {"/v1/cities/[^0-9]", "/v1/cities/x", true},
             {"/a\\*b", "/a*b", true},
             {"/a\\*b", "/axb", false},
             {"*a*b*c*", "xaxbxcx", true},
             {"*a*b*c*", "xaxcxbx", false},
             {"[]]", "]", true},
             {"[!]]", "]", false},
             {"[a-]", "-", true},
             {"[[:digit:]x]*", "5", true},
             {"[[:upper:]]", "a", false},
             {"/x[", "/x[", true},
             {"*[[", "a[[", true},
             {"/x\\", "/x\\", false},
             {"?", "\xC3\xA9", false},
             {"??", "\xC3\xA9", true},
         }) {
        EXPECT_EQ(glob_matches(pattern, text), expected) << pattern << ' ' << text;
        EXPECT_EQ(Glob{pattern}.matches(text), expected) << pattern << ' ' << text;
    }
}

TEST(Glob, AgreesWithFnmatch) {
    std::mt19937 random{7};  // NOLINT(cert-msc51-cpp): the same patterns each time
    const std::vector<std::string> pieces{"a",  "b",  "c",  "-",   "*",    "?",     "[",          "]",          "!",
                                          "^",  "\\", "/",  ".",   "[a",   "[!",    "[[:alpha:]", "[[:digit:]", "a-c",
                                          "c]", "*a", "b*", "[^b", "[]-a", "[a-c]", "[[.a.]]",    "[[=b=]"};
    const std::string bytes = "abc-[]!^\\/.*?5\xC3";
    std::size_t matching = 0;
    for (int i = 0; i < 400'000; ++i) {
        std::string pattern;
        for (auto length = random() % 8; length > 0; --length) pattern += pieces[random() % pieces.size()];
        std::string text;
        for (auto length = random() % 7; length > 0; --length) text += bytes[random() % bytes.size()];
        const bool expected = ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
        matching += expected ? 1U : 0U;
        ASSERT_EQ(glob_matches(pattern, text), expected) << pattern << ' ' << text;
    }
    EXPECT_GT(matching, 10'000u) << "else little was compared";
}

TEST(Glob, LongPatternsMatchEverything) {
    const std::string longest(longest_glob, 'x');
    EXPECT_TRUE(glob_matches(longest, longest));
    EXPECT_FALSE(glob_matches(longest, "/"));
    EXPECT_TRUE(glob_matches(longest + "x", "/"));
    EXPECT_TRUE(Glob{longest + "x"}.matches("/"));
    const std::string stars = "*" + std::string(longest_glob - 2, 'a') + "b";
    EXPECT_TRUE(glob_matches(stars, std::string(10'000, 'a') + "b"));
    EXPECT_FALSE(glob_matches(stars, std::string(10'000, 'a')));
    EXPECT_TRUE(glob_matches("*" + std::string(longest_glob - 1, '['), std::string(longest_glob - 1, '[')));
}

}  // namespace sluice::policy
