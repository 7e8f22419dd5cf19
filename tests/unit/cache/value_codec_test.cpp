#include "cache/value_codec.hpp"

#include <gtest/gtest.h>

namespace sluice::cache {

using namespace std::chrono_literals;

TEST(ValueCodec, RoundTripsWithItsAge) {
    const auto now = Clock::now();
    CachedValue value;
    value.body = std::string{"{\"data\":1\n\0}", 12};
    value.etag = strong_etag(value.body);
    value.loaded_at = now - 10s;
    value.ttl = 60s;
    value.stale = 1h;
    value.revalidate = 2h;
    value.cost = 1500us;
    value.label = Label{17'000'000'000'000'000'000U, {18'000'000'000'000'000'000U, {1, 2}}};
    value.absent = true;
    value.status = 203;
    value.headers.add("X-Own", "1: 2");
    value.headers.add("Link", "</a>");
    value.own_headers = value.headers.wire().size();
    value.headers.add("Cache-Tag", "known to whoever asks");
    const auto encoded = encode(value, now);
    EXPECT_EQ(encoded.lifetime, 60s + 2h - 10s);

    const auto later = now + 5s;
    const auto decoded = decode(encoded.bytes, encoded.lifetime - 5s, later);
    ASSERT_NE(decoded, nullptr);
    EXPECT_EQ(decoded->body, value.body);
    EXPECT_EQ(decoded->etag, value.etag);
    EXPECT_EQ(decoded->loaded_at, value.loaded_at);
    EXPECT_EQ(decoded->ttl, value.ttl);
    EXPECT_EQ(decoded->revalidate, value.revalidate);
    EXPECT_EQ(decoded->cost, value.cost);
    EXPECT_TRUE(decoded->absent);
    EXPECT_EQ(decoded->status, 203u);
    EXPECT_EQ(decoded->headers.wire(), "X-Own: 1: 2\r\nLink: </a>\r\n");
    EXPECT_EQ(decoded->own_headers, decoded->headers.wire().size());
    ASSERT_TRUE(decoded->label);
    EXPECT_EQ(decoded->label->history, value.label->history);
    EXPECT_EQ(decoded->label->snapshot, value.label->snapshot);
}

TEST(ValueCodec, DamagedCopiesAreMisses) {
    const auto now = Clock::now();
    CachedValue value;
    value.body = "{\"data\":[]}";
    value.loaded_at = now;
    value.ttl = 1s;
    const auto bytes = encode(value, now).bytes;
    ASSERT_NE(decode(bytes, 1s, now), nullptr);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_EQ(decode(bytes.substr(0, cut), 1s, now), nullptr) << cut;
    EXPECT_EQ(decode("sluice5\n[]\n", 1s, now), nullptr);
    EXPECT_EQ(decode("sluice5\n{\"size\":0}\n", 1s, now), nullptr);
    EXPECT_EQ(decode("sluice3\n" + bytes.substr(8), 1s, now), nullptr);
}

TEST(ValueCodec, AgeIsNeverNegative) {
    const auto now = Clock::now();
    CachedValue value;
    value.body = "{}";
    value.loaded_at = now;
    value.ttl = 1s;
    EXPECT_EQ(decode(encode(value, now).bytes, 5s, now)->loaded_at, now);
}

TEST(StrongEtag, DependsOnEveryByte) {
    EXPECT_EQ(strong_etag("a"), strong_etag("a"));
    EXPECT_NE(strong_etag("a"), strong_etag("b"));
    EXPECT_EQ(strong_etag("").size(), 34u);
}

TEST(ValueCodec, APurgeFindsACopyByItsBeginning) {
    using Kind = policy::Invalidation::Kind;
    CachedValue value;
    value.body = R"({"data":[)" + std::string(10'000, '1') + "]}";
    value.tags = {"a:1", "b"};
    value.path = "/v1/a?x=1";
    value.ttl = std::chrono::seconds{1};
    const auto bytes = encode(value, Clock::now()).bytes.substr(0, 4096);
    const auto names = [&](Kind kind, const std::string& name) { return names_copy({0, 0, kind, name, true}, bytes); };
    EXPECT_TRUE(names(Kind::tag, "a:1"));
    EXPECT_TRUE(names(Kind::tag, "b"));
    EXPECT_FALSE(names(Kind::tag, "a"));
    EXPECT_TRUE(names(Kind::glob, "/v1/*"));
    EXPECT_FALSE(names(Kind::glob, "/v2/*"));
    EXPECT_TRUE(names(Kind::all, ""));
    const auto unclear = [](std::string_view text) { return names_copy({0, 0, Kind::tag, "c", true}, text); };
    EXPECT_TRUE(unclear("sluice3\n{}\n")) << "another version's";
    EXPECT_TRUE(unclear(std::string_view{bytes}.substr(0, 30))) << "cut off";
    EXPECT_TRUE(unclear("sluice5\n{\"ttl\":1}\n{}")) << "written before copies named their tags";
}

}  // namespace sluice::cache
