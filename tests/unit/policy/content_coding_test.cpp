#include "policy/content_coding.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

TEST(ContentCoding, IsTheOneAskedForMost) {
    using enum ContentCoding;
    const struct {
        std::string_view field;
        ContentCoding chosen;
    } cases[]{
        {"", identity},
        {"identity", identity},
        {"gzip", gzip},
        {"GZip", gzip},
        {"x-gzip", gzip},
        {"br", brotli},
        {"gzip, deflate, br", brotli},
        {"gzip, deflate, br, zstd", brotli},
        {" gzip ;q=0.9 ,\tbr ; q=0.8", gzip},
        {"br;q=0, gzip", gzip},
        {"br;q=0.000, gzip;q=0", identity},
        {"gzip;q=0.001", gzip},
        {"gzip;q=0.5, identity", identity},
        {"gzip;q=0.5, identity;q=0.5", gzip},
        {"*", brotli},
        {"*;q=0.1, br;q=0", gzip},
        {"*;q=0", identity},
        {"identity;q=0, *;q=0", identity},
        {"deflate, zstd", identity},
        {"gzip;q=1.0", gzip},
        {"gzip;q=1.5", identity},
        {"gzip;q=2", identity},
        {"gzip;q=0.1234", identity},
        {"gzip;q=x", identity},
        {"gzip;q=", identity},
        {"gzip;level=9", identity},
        {",,gzip,,", gzip},
        {"gzipped, brotli", identity},
    };
    for (const auto& one : cases) EXPECT_EQ(choose_coding(one.field), one.chosen) << one.field;
}

TEST(ContentCoding, IdentityWillDoUnlessItIsRefused) {
    for (const auto* field : {"", "gzip", "identity", "identity;q=0.001", "*;q=0, identity", "gzip, *", "*;q=0.1", "br;q=0"})
        EXPECT_TRUE(accepts_identity(field)) << field;
    for (const auto* field : {"identity;q=0", "gzip, identity; q=0.000", "*;q=0", "gzip;q=1, *;q=0", "*, identity;q=0"})
        EXPECT_FALSE(accepts_identity(field)) << field;
}

TEST(ContentCoding, HasItsNameInHttp) {
    EXPECT_EQ(to_string(ContentCoding::brotli), "br");
    EXPECT_EQ(to_string(ContentCoding::gzip), "gzip");
    EXPECT_EQ(to_string(ContentCoding::identity), "identity");
}

}  // namespace
}  // namespace sluice::policy
