#include "upstream/url.hpp"

#include <gtest/gtest.h>

namespace sluice::upstream {

TEST(Url, IsTakenApart) {
    struct Row {
        const char* text;
        bool tls;
        const char* host;
        const char* port;
        const char* target;
        const char* authority;
    };
    for (const auto& row : std::vector<Row>{
             {"https://id.example/keys", true, "id.example", "443", "/keys", "id.example"},
             {"http://127.0.0.1:8080", false, "127.0.0.1", "8080", "/", "127.0.0.1:8080"},
             {"https://[::1]:8443/a?b=c#d", true, "::1", "8443", "/a?b=c", "[::1]:8443"},
             {"http://x?y", false, "x", "80", "/?y", "x"},
             {"https://x:443/", true, "x", "443", "/", "x"},
         }) {
        const auto url = parse_url(row.text);
        ASSERT_TRUE(url) << row.text;
        EXPECT_EQ(url->tls, row.tls);
        EXPECT_EQ(url->host, row.host);
        EXPECT_EQ(url->port, row.port);
        EXPECT_EQ(url->target, row.target);
        EXPECT_EQ(url->authority(), row.authority);
    }
}

TEST(Url, SaysWhatIsWrong) {
    const std::string scheme = "must begin with https:// or http://";
    for (const auto& [text, error] : std::vector<std::pair<std::string, std::string>>{
             {"", scheme},
             {"ftp://x", scheme},
             {"HTTPS//x", scheme},
             {"file:///etc/passwd", scheme},
             {"https://", "has no host name or address"},
             {"https:///x", "has no host name or address"},
             {"https://[::1", "has no host name or address"},
             {"https://a b/", "holds a character that must be encoded"},
             {"https://x/\r\nHost: y", "holds a character that must be encoded"},
             {"https://user:secret@x/", "must not hold a user name or password"},
             {"https://x:0/", "has a port that is none"},
             {"https://x:99999/", "has a port that is none"},
             {"https://x:8o/", "has a port that is none"},
         }) {
        EXPECT_EQ(parse_url(text).error(), error) << text;
    }
}

}  // namespace sluice::upstream
