#include "policy/allowed_origins.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace sluice::policy {

using testing::HasSubstr;

TEST(OriginPattern, IsSpelledAsBrowsersSpellIt) {
    const struct {
        const char* written;
        const char* meant;
    } cases[] = {
        {"https://app.example.com", "https://app.example.com"},
        {"HTTPS://App.Example.COM", "https://app.example.com"},
        {"https://app.example.com:443", "https://app.example.com"},
        {"http://app.example.com:80", "http://app.example.com"},
        {"http://app.example.com:443", "http://app.example.com:443"},
        {"https://app.example.com:8443", "https://app.example.com:8443"},
        {"https://app.example.com:08443", "https://app.example.com:8443"},
        {"http://localhost:3000", "http://localhost:3000"},
        {"http://127.0.0.1:3000", "http://127.0.0.1:3000"},
        {"http://[::1]:3000", "http://[::1]:3000"},
        {"http://[2001:DB8::1]", "http://[2001:db8::1]"},
        {"https://*.example.com", "https://*.example.com"},
        {"https://*.Example.com:443", "https://*.example.com"},
        {"https://*.example.com:8443", "https://*.example.com:8443"},
        {"http://*.localhost:3000", "http://*.localhost:3000"},
        {"capacitor://localhost", "capacitor://localhost"},
        {"chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"},
        {"https://xn--bcher-kva.example", "https://xn--bcher-kva.example"},
    };
    for (const auto& c : cases) {
        const auto pattern = OriginPattern::parse(c.written);
        ASSERT_TRUE(pattern) << c.written << ": " << pattern.error();
        EXPECT_EQ(pattern->text(), c.meant);
    }
}

TEST(OriginPattern, SaysWhatIsWrongAndWhatToWriteInstead) {
    const struct {
        const char* written;
        const char* mistake;
    } cases[] = {
        {"", "it is empty"},
        {"*", "'*' stands for all of them"},
        {"null", "every page in a sandbox calls itself so"},
        {"app.example.com", "it has no scheme; write 'https://app.example.com'"},
        {"App.Example.com/x", "it has no scheme; write 'https://app.example.com'"},
        {"*.example.com", "it has no scheme; write 'https://*.example.com'"},
        {"localhost:3000", "it has no scheme; write 'https://localhost:3000'"},
        {"https://app.example.com/", "it ends with '/'; write 'https://app.example.com'"},
        {"https://App.example.com:443/x", "it has a path; write 'https://app.example.com:443'"},
        {"https://app.example.com?x=1", "it has a path; write 'https://app.example.com'"},
        {"https://app.example.com#x", "it has a path; write 'https://app.example.com'"},
        {"https://", "it has no host"},
        {"https://:8443", "it has no host"},
        {"https://*.", "it has no host"},
        {"://app.example.com", "its scheme is none"},
        {"9p://app.example.com", "its scheme is none"},
        {"https://user@app.example.com", "it holds a user name"},
        {"https://app.example.com:0", "its port is no number"},
        {"https://app.example.com:", "its port is no number"},
        {"https://app.example.com:65536", "its port is no number"},
        {"https://app.example.com:*", "its port is no number"},
        {"https://app..example.com", "its host is no name"},
        {"https://.example.com", "its host is no name"},
        {"https://app.example.com.", "its host is no name"},
        {"https://app example.com", "its host is no name"},
        {"https://[::1", "its host is no name"},
        {"https://*.[::1]", "its host is no name"},
        {"https://b\xC3\xBC"
         "cher.example",
         "written in ASCII"},
        {"https://a.*.example.com", "'*' can only be the first label"},
        {"https://*.*.example.com", "'*' can only be the first label"},
        {"https://app*.example.com", "'*' can only be the first label"},
        {"https://*", "'*' can only be the first label"},
        {"*://app.example.com", "its scheme is none"},
        {"https://*.com", "everybody's sites below 'com'"},
    };
    for (const auto& c : cases) {
        const auto pattern = OriginPattern::parse(c.written);
        ASSERT_FALSE(pattern) << c.written;
        EXPECT_THAT(pattern.error(), HasSubstr(c.mistake)) << c.written;
    }
}

TEST(AllowedOrigins, MatchWholeOriginsAndOneLabelForAStar) {
    const AllowedOrigins origins{{"https://app.example.com", "https://*.pages.example:8443", "http://localhost:3000"}};
    EXPECT_FALSE(origins.any());
    for (const auto* allowed : {"https://app.example.com", "https://a.pages.example:8443",
                                "https://feature-1_x.pages.example:8443", "http://localhost:3000"}) {
        EXPECT_TRUE(origins.allows(allowed)) << allowed;
    }
    for (const auto* refused : {"",
                                "null",
                                "*",
                                "https://app.example.com/",
                                "https://app.example.com:443",
                                "http://app.example.com",
                                "https://APP.example.com",
                                "https://app.example.com.evil.example",
                                "https://evilapp.example.com",
                                "https://x.app.example.com",
                                "https://example.com",
                                "https://pages.example:8443",
                                "https://.pages.example:8443",
                                "https://a.b.pages.example:8443",
                                "https://a.pages.example",
                                "https://a.pages.example:84430",
                                "https://evil.example/.pages.example:8443",
                                "https://evil.example?.pages.example:8443",
                                "https://u@.pages.example:8443",
                                "https://A.pages.example:8443",
                                "http://a.pages.example:8443",
                                "http://localhost",
                                "http://localhost:30000",
                                "https://app.example.com, https://app.example.com"}) {
        EXPECT_FALSE(origins.allows(refused)) << refused;
    }
}

TEST(AllowedOrigins, AStarAloneAllowsEveryone) {
    const AllowedOrigins origins{{"*"}};
    EXPECT_TRUE(origins.any());
    EXPECT_TRUE(origins.allows("https://anything.example"));
    EXPECT_TRUE(origins.allows("null"));
    EXPECT_THROW((AllowedOrigins{{"*", "https://app.example.com"}}), std::invalid_argument);
    EXPECT_THROW(AllowedOrigins{{"app.example.com"}}, std::invalid_argument);
}

}  // namespace sluice::policy
