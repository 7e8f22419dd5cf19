#include "http/response_head.hpp"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

const FixedHeaders no_fixed;

}  // namespace

TEST(ResponseHead, DatesFollowRfc9110) {
    HttpDate date;
    EXPECT_EQ(date.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(date.at(784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
}

TEST(ResponseHead, HasLengthAndTheHandlersFields) {
    std::string out;
    const auto body = append_head(out, Response::text(200, "hello"), no_fixed, false, Persistence::unsaid, "now");
    EXPECT_EQ(out,
              "HTTP/1.1 200 OK\r\nServer: sluice\r\nDate: now\r\nContent-Type: text/plain; charset=utf-8\r\n"
              "Content-Length: 5\r\n\r\n");
    static_cast<void>(body);
}

TEST(ResponseHead, HeadHasTheLengthButNoBody) {
    std::string out;
    const auto response = Response::text(200, "hello");
    EXPECT_EQ(append_head(out, response, no_fixed, true, Persistence::unsaid, "now"), "");
    EXPECT_NE(out.find("Content-Length: 5\r\n"), std::string::npos);
}

TEST(ResponseHead, NoContentHasNeitherLengthNorBody) {
    for (const unsigned status : {204u, 304u}) {
        std::string out;
        auto response = Response::text(status, "ignored");
        EXPECT_EQ(append_head(out, response, no_fixed, false, Persistence::unsaid, "now"), "");
        EXPECT_EQ(out.find("Content-Length"), std::string::npos);
    }
}

TEST(ResponseHead, SaysWhatBecomesOfTheConnection) {
    std::string out;
    append_head(out, Response::empty(200), no_fixed, false, Persistence::close, "now");
    append_head(out, Response::empty(200), no_fixed, false, Persistence::keep_alive, "now");
    EXPECT_NE(out.find("Connection: close\r\n\r\n"), std::string::npos);
    EXPECT_NE(out.find("Connection: keep-alive\r\n\r\n"), std::string::npos);
    EXPECT_NE(out.find("Content-Length: 0\r\n"), std::string::npos);
}

}  // namespace sluice::http
