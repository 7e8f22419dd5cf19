// Heads and bodies of answers, byte by byte and in one piece.
#include "upstream/answer_body.hpp"
#include "upstream/answer_head.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sluice::upstream {
namespace {

using State = AnswerBody::State;

/// Where the head ends, found byte by byte; or what is wrong.
std::variant<std::size_t, NotAnAnswer> search_slowly(std::string_view bytes) {
    HeadSearch search;
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
        const auto found = search.search(bytes.substr(0, size));
        if (std::holds_alternative<NotAnAnswer>(found) || std::get<std::size_t>(found) > 0) return found;
    }
    return std::size_t{0};
}

std::string describe(const std::string& head, bool to_head = false) {
    HeadSearch search;
    const auto found = search.search(head);
    const auto slow = search_slowly(head);
    EXPECT_EQ(found.index(), slow.index()) << head;
    if (const auto* wrong = std::get_if<NotAnAnswer>(&found)) return std::string{wrong->reason};
    const auto size = std::get<std::size_t>(found);
    EXPECT_EQ(size, std::get<std::size_t>(slow));
    if (size == 0) return "incomplete";
    const auto read = read_head(std::string_view{head}.substr(0, size), to_head);
    if (const auto* wrong = std::get_if<NotAnAnswer>(&read)) return std::string{wrong->reason};
    const auto& answer = std::get<AnswerHead>(read);
    auto text = std::to_string(answer.status);
    switch (answer.framing) {
        case Framing::none:
            text += " none";
            break;
        case Framing::length:
            text += " length " + std::to_string(answer.length);
            break;
        case Framing::chunked:
            text += " chunked";
            break;
        case Framing::until_close:
            text += " until close";
            break;
    }
    return text + (answer.keep_alive ? " kept" : " closed");
}

struct Read {
    State state;
    std::string body;
    std::size_t left = 0;  // bytes that were not consumed
};

Read read(AnswerBody body, std::string_view bytes, std::size_t at_once) {
    Read result{body.state(), {}, 0};
    std::string pending;
    while (true) {
        const auto piece = body.next(pending);
        result.body += piece.data;
        pending.erase(0, piece.consumed);
        if (body.state() != State::incomplete) break;
        if (piece.consumed > 0) continue;
        if (bytes.empty()) break;
        pending += bytes.substr(0, at_once);
        bytes.remove_prefix(std::min(at_once, bytes.size()));
    }
    result.state = body.state();
    result.left = pending.size() + bytes.size();
    return result;
}

}  // namespace

TEST(AnswerHead, FramingIsReadStrictly) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const struct {
        std::string head, says;
    } cases[]{
        {ok + "Content-Length: 5\r\n\r\nhello", "200 length 5 kept"},
        {ok + "content-length:0\r\n\r\n", "200 none kept"},
        {ok + "Transfer-Encoding: chunked\r\n\r\n", "200 chunked kept"},
        {ok + "Transfer-Encoding: Chunked\r\nConnection: close\r\n\r\n", "200 chunked closed"},
        {ok + "\r\n", "200 until close closed"},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "200 length 5 closed"},
        {"HTTP/1.0 200 OK\r\n\r\n", "200 until close closed"},
        {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", "200 length 1 kept"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "204 none kept"},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "204 none closed"},
        {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "204 none closed"},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 none kept"},
        {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", "103 none kept"},
        {"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", "is an interim answer with a body"},
        {ok + "Connection: Foo , Close\r\nContent-Length: 5\r\n\r\n", "200 length 5 closed"},
        {ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "has two lengths"},
        {ok + "Content-Length: 5, 5\r\n\r\n", "has a length that is none"},
        {ok + "Content-Length: +5\r\n\r\n", "has a length that is none"},
        {ok + "Content-Length: -1\r\n\r\n", "has a length that is none"},
        {ok + "Content-Length: 0x5\r\n\r\n", "has a length that is none"},
        {ok + "Content-Length:\r\n\r\n", "has a length that is none"},
        {ok + "Content-Length: 99999999999999999999\r\n\r\n", "has a length that is none"},
        {ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "has a length and a transfer coding"},
        {ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", "has a transfer coding other than chunked"},
        {ok + "Transfer-Encoding: chunked, identity\r\n\r\n", "has a transfer coding other than chunked"},
        {ok + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n",
         "has a field with a control character"},
        {ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "has two transfer codings"},
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "is HTTP/1.0 with a transfer coding"},
        {ok + "Content-Length : 5\r\n\r\n", "has a line that is no field"},
        {ok + " folded\r\n\r\n", "has a line that is no field"},
        {ok + "X: a\r\n b\r\n\r\n", "has a line that is no field"},
        {ok + "no colon\r\n\r\n", "has a line that is no field"},
        {ok + ": no name\r\n\r\n", "has a line that is no field"},
        {ok + "X: a\rb\r\n\r\n", "has a field with a control character"},
        {ok + std::string{"X: a\0b\r\n\r\n", 10}, "has a field with a control character"},
        {ok + "X: a\nContent-Length: 5\r\n\r\n", "has a line feed without a carriage return"},
        {"HTTP/1.1 200 OK\n\n", "has a line feed without a carriage return"},
        {"HTTP/2 200\r\n\r\n", "does not begin as HTTP/1"},
        {"http/1.1 200 OK\r\n\r\n", "does not begin as HTTP/1"},
        {"220 mail ready\r\n", "does not begin as HTTP/1"},
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", "does not begin as HTTP/1"},
        {"HTTP/1.1  200 OK\r\n\r\n", "has no status line"},
        {"HTTP/1.2 200 OK\r\n\r\n", "has no status line"},
        {"HTTP/1.1 20 OK\r\n\r\n", "has no status line"},
        {"HTTP/1.1 2000 OK\r\n\r\n", "has no status line"},
        {"HTTP/1.1 099 OK\r\n\r\n", "has no status line"},
        {"HTTP/1.1 600 OK\r\n\r\n", "has no status line"},
        {"HTTP/1.1 2x0 OK\r\n\r\n", "has no status line"},
        {"HTTP/1.1 200 O\x01K\r\n\r\n", "has no status line"},
        {"HTTP/1.", "incomplete"},
        {ok + "X: y\r\n", "incomplete"},
        {ok + "X: " + std::string(max_head, 'x') + "\r\n\r\n", "has a head of more than 64 KiB"},
    };
    for (const auto& [head, says] : cases) EXPECT_EQ(describe(head), says) << head.substr(0, 200);
    EXPECT_EQ(describe(ok + "Content-Length: 5\r\n\r\n", true), "200 none kept") << "HEAD has the length and no body";
    EXPECT_EQ(describe(ok + "Transfer-Encoding: chunked\r\n\r\n", true), "200 none kept");
    EXPECT_EQ(describe(ok + "\r\n", true), "200 none kept");
}

TEST(AnswerHead, SaysHowLongTheConnectionIsKept) {
    const std::string head = "HTTP/1.1 200 OK\r\nKeep-Alive: max=3, timeout=7\r\nContent-Length: 0\r\n\r\n";
    EXPECT_EQ(std::get<AnswerHead>(read_head(head, false)).idle_seconds, 7u);
}

TEST(AnswerBody, ReadsWhatBelongsToItAndNoMore) {
    const struct {
        Framing framing;
        std::size_t length;
        std::string bytes, body;
        std::size_t left;
    } cases[]{
        {Framing::none, 0, "next", "", 4},
        {Framing::length, 0, "next", "", 4},
        {Framing::length, 5, "hellonext", "hello", 4},
        {Framing::chunked, 0, "0\r\n\r\nnext", "", 4},
        {Framing::chunked, 0, "5\r\nhello\r\n0\r\n\r\nnext", "hello", 4},
        {Framing::chunked, 0, "2\r\nhe\r\n03;a=\"b\"\r\nllo\r\n000\r\n\r\nnext", "hello", 4},
        {Framing::chunked, 0, "A\r\n0123456789\r\nf \r\n0123456789abcde\r\n0\r\nX-A: b\r\nY: c\r\n\r\n",
         "01234567890123456789abcde", 0},
    };
    for (const auto& one : cases) {
        for (std::size_t at_once = 1; at_once <= one.bytes.size(); ++at_once) {
            const auto result = read(AnswerBody{one.framing, one.length}, one.bytes, at_once);
            EXPECT_EQ(result.state, State::complete) << one.bytes << ' ' << at_once;
            EXPECT_EQ(result.body, one.body);
            EXPECT_EQ(result.left, one.left) << one.bytes << ' ' << at_once;
        }
    }
}

TEST(AnswerBody, BadChunksAreMalformed) {
    for (const std::string bytes :
         {"\r\n", "g\r\n", "5\nhello", "5\r\nhello0\r\n\r\n", "5\r\nhello\n", "-1\r\n", "5\r\nhello\r\n\r\n", "0x5\r\n",
          "10000000000000000\r\n", "5\rX", "0\r\nX: y\n\r\n", ";a\r\n"}) {
        for (const std::size_t at_once : {std::size_t{1}, std::size_t{2}, bytes.size()})
            EXPECT_EQ(read(AnswerBody{Framing::chunked}, bytes, at_once).state, State::malformed) << bytes;
    }
    EXPECT_EQ(read(AnswerBody{Framing::chunked}, "1;" + std::string(300, 'x'), 7).state, State::malformed);
    EXPECT_EQ(read(AnswerBody{Framing::chunked}, "0\r\n" + std::string(9000, 'x'), 7).state, State::malformed);
}

TEST(AnswerBody, AnEndThatComesTooEarlyCompletesOnlyWhatHasNoLength) {
    for (const auto framing : {Framing::length, Framing::chunked, Framing::until_close}) {
        AnswerBody body{framing, 100};
        static_cast<void>(body.next("5\r\nhello\r\n"));
        body.close();
        EXPECT_EQ(body.state() == State::complete, framing == Framing::until_close);
    }
}

// Whatever the bytes are, nothing is read twice or left out, and where it ends does not depend on how they come.
TEST(AnswerBody, RandomBytesEndAtTheSamePlaceHoweverTheyCome) {
    const std::vector<std::string> pieces{"5\r\nhello\r\n", "0\r\n\r\n",     "\r\n", "1\r\n", "a", "\n",
                                          "X: y\r\n",       "2;q\r\nok\r\n", "0\r\n"};
    for (unsigned seed = 0; seed < 3000; ++seed) {
        std::mt19937 random{seed};
        std::string bytes;
        for (auto i = 1 + random() % 8; i > 0; --i) bytes += pieces[random() % pieces.size()];
        const auto whole = read(AnswerBody{Framing::chunked}, bytes, bytes.size());
        for (const std::size_t at_once : {1, 2, 3}) {
            const auto result = read(AnswerBody{Framing::chunked}, bytes, at_once);
            ASSERT_EQ(result.state, whole.state) << bytes;
            ASSERT_EQ(result.body, whole.body) << bytes;
            if (whole.state == State::complete) ASSERT_EQ(result.left, whole.left) << bytes;
        }
    }
}

}  // namespace sluice::upstream
