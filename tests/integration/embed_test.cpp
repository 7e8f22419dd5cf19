// examples/embed, built against the installed package as an embedder builds it.
#include "support/http_client.hpp"
#include "support/process.hpp"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

void run(const std::vector<std::string>& command) {
    const auto result = run_command(command);
    ASSERT_EQ(result.exit_code, 0) << command.front() << ": " << result.out << result.err;
}

}  // namespace

TEST(Embed, AnEmbedderAddsAHandlerAndAMiddleware) {
    const TemporaryDirectory directory;
    const auto prefix = (directory.path() / "prefix").string();
    const auto build = (directory.path() / "build").string();
    run({"cmake", "--install", SLUICE_BUILD_DIR, "--prefix", prefix});
    run({"cmake", "-S", std::string{SLUICE_SOURCE_DIR} + "/examples/embed", "-B", build, "-G", "Ninja",
         "-DCMAKE_CXX_STANDARD=20", "-DCMAKE_PREFIX_PATH=" + prefix, std::string{"-DCMAKE_CXX_FLAGS="} + SLUICE_CXX_FLAGS});
    run({"cmake", "--build", build});

    const auto config = directory.write("api.yaml", "server: { listen: '127.0.0.1:0', admin: '127.0.0.1:0' }\n");
    Instance instance{config, {}, build + "/embed"};
    const auto answer = http_get(instance.port(), "/hello/J%C3%BCrgen");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "Hello, Jürgen!\n");
    EXPECT_EQ(answer.header("X-Served-By"), "embed");
    EXPECT_TRUE(answer.header("X-RateLimit-Limit")) << "the built-in steps are there";
    EXPECT_FALSE(http_get(instance.port(), "/nothing").header("X-Request-Id").value_or("").empty());
}

}  // namespace sluice::test
