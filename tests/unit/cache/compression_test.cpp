#include "cache/compression.hpp"
#include "cache/level_one.hpp"
#include "support/run.hpp"

#include <gtest/gtest.h>

#include <zlib.h>

#include <random>

namespace sluice::cache {
namespace {

using policy::ContentCoding;

std::string gunzip(const std::string& bytes, std::size_t size) {
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    std::string out(size + 1, '\0');
    auto input = bytes;
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

std::string noise(std::size_t size) {
    std::mt19937 random{7};
    std::string bytes(size, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

TEST(Compression, GzipComesBackWhateverTheLength) {
    for (const std::size_t size : {0UL, 1UL, 16'384UL, 65'535UL, 65'536UL, 65'537UL, 300'000UL}) {
        for (const auto& bytes : {noise(size), std::string(size, 'x')}) {
            for (const auto effort : {Effort::fast, Effort::kept}) {
                const auto coded = test::run(compress(bytes, ContentCoding::gzip, effort));
                ASSERT_EQ(gunzip(coded, size), bytes) << size;
            }
        }
    }
}

TEST(Compression, LetsOthersOnTheLoopHaveTheirTurn) {
    boost::asio::io_context loop{1};
    const std::string bytes(1'000'000, 'x');
    bool compressed = false;
    int turns = 0;
    std::function<void()> turn = [&] {
        if (compressed) return;
        ++turns;
        boost::asio::post(loop, turn);
    };
    boost::asio::post(loop, turn);
    boost::asio::co_spawn(loop.get_executor(), compress(bytes, ContentCoding::brotli, Effort::fast),
                          [&](std::exception_ptr, const std::string&) { compressed = true; });
    loop.run();
    EXPECT_GE(turns, 15);
}

TEST(CodedBodies, AreMadeByOneAndSeenByAll) {
    CodedBodies bodies;
    EXPECT_FALSE(bodies.claim(ContentCoding::identity));
    {
        auto claim = bodies.claim(ContentCoding::gzip);
        ASSERT_TRUE(claim);
        EXPECT_FALSE(bodies.claim(ContentCoding::gzip));
        EXPECT_EQ(bodies.find(ContentCoding::gzip), nullptr);
        claim.keep({"bytes", "\"e\""});
    }
    ASSERT_NE(bodies.find(ContentCoding::gzip), nullptr);
    EXPECT_EQ(bodies.find(ContentCoding::gzip)->body, "bytes");
    EXPECT_EQ(bodies.find(ContentCoding::brotli), nullptr);
    EXPECT_TRUE(bodies.claim(ContentCoding::brotli)) << "its first holder went away";
    EXPECT_TRUE(bodies.claim(ContentCoding::brotli));
    bodies.claim(ContentCoding::brotli).settle();
    EXPECT_FALSE(bodies.claim(ContentCoding::brotli)) << "it was not worth keeping";
}

TEST(LevelOne, CountsWhatAValueGrowsBy) {
    LevelOne cache{1 << 20};
    const auto value = std::make_shared<CachedValue>();
    cache.put("k", value);
    const auto before = cache.bytes();
    value->coded.claim(ContentCoding::gzip).keep({std::string(5'000, 'x'), ""});
    cache.count_again("k", value);
    EXPECT_GE(cache.bytes(), before + 5'000);
    // Another value has taken its place: that one is counted, not this.
    cache.put("k", std::make_shared<CachedValue>());
    cache.count_again("k", value);
    EXPECT_EQ(cache.bytes(), before);
}

}  // namespace
}  // namespace sluice::cache
