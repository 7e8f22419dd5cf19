// How a process ends: what its clients are told, which signals end it, and that nothing holds it up.
#include "support/http_client.hpp"
#include "support/process.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

std::string config(const std::string& timeouts, const std::string& rest = "") {
    return "server: { listen: '127.0.0.1:0', admin: '127.0.0.1:0', admin_token: 'a-token', timeouts: " + timeouts + " }\n" +
           "tiers: { anonymous: { requests: 100000 } }\n" + rest;
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

/// A descriptor that goes with the object.
struct Descriptor {
    explicit Descriptor(int number) : value{number} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (value >= 0) ::close(value);
    }
    int value;
};

/// What can be read of it now.
std::string read_some(int descriptor) {
    std::array<char, 4096> buffer{};
    const auto size = ::read(descriptor, buffer.data(), buffer.size());
    return size > 0 ? std::string{buffer.data(), static_cast<std::size_t>(size)} : std::string{};
}

/// `sluice serve` with the shell's redirections behind it. `$2` is `output`.
std::vector<std::string> serve_with(const std::filesystem::path& file, const std::string& redirections,
                                    const std::string& output = "") {
    return {"bash", "-c", "exec \"$0\" serve --config \"$1\" " + redirections, sluice_program(), file.string(), output};
}

/// The port in the line that says so.
std::uint16_t port_in(const std::string& log, const std::string& name) {
    const auto at = log.find(name);
    return at == std::string::npos ? std::uint16_t{0}
                                   : static_cast<std::uint16_t>(std::strtoul(log.c_str() + at + name.size(), nullptr, 10));
}

/// Takes connections and never says anything.
class SilentServer {
public:
    SilentServer() {
        ::sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::socklen_t size = sizeof address;
        const auto* const bound = reinterpret_cast<const ::sockaddr*>(&address);
        if (::bind(socket_.value, bound, size) != 0 || ::listen(socket_.value, 128) != 0)
            throw std::runtime_error{"cannot listen"};
        ::getsockname(socket_.value, reinterpret_cast<::sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
    }
    std::string url() const {
        return "postgresql://127.0.0.1:" + std::to_string(port_) + "/x?connect_timeout=60&sslmode=disable";
    }

private:
    Descriptor socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::uint16_t port_ = 0;
};

}  // namespace

TEST(Stop, EveryAnswerOfTheGraceClosesItsConnection) {
    const TemporaryDirectory directory;
    Instance instance{directory.write("api.yaml", config("{ grace: 60s }")), {}};
    HttpClient waiting{instance.port()};
    HttpClient pipelining{instance.port()};
    HttpClient admin{instance.admin_port()};
    EXPECT_FALSE(waiting.request("GET", "/x").closes());
    EXPECT_FALSE(admin.request("GET", "/health/live").closes());

    instance.signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return instance.log().find("\"draining\"") != std::string::npos; }));
    for (auto* client : {&waiting, &admin}) {
        EXPECT_TRUE(client->request("GET", "/health/live").closes());
        EXPECT_TRUE(client->wait_closed());
    }
    const std::string one = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_TRUE(pipelining.send(one + one));
    EXPECT_TRUE(pipelining.receive().value().closes()) << "the first answer is the last one";
    EXPECT_TRUE(pipelining.wait_closed());
    HttpClient late{instance.port()};
    EXPECT_TRUE(late.request("GET", "/x").closes()) << "of a connection that was made after the signal";
    HttpClient old{instance.port()};
    ASSERT_TRUE(old.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    EXPECT_TRUE(old.receive().value().closes());

    instance.signal(SIGTERM);
    EXPECT_EQ(instance.wait(), 128 + SIGTERM);
}

TEST(Stop, OtherSignalsAreLoggedAndEndNothing) {
    const TemporaryDirectory directory;
    Instance instance{directory.write("api.yaml", config("{ grace: 60s }")), {}};
    const auto logged = [&](const std::string& name) {
        return count_of(instance.log(), R"("event":"signal_ignored","signal":")" + name + '"');
    };
    const std::vector<std::pair<int, std::string>> signals{
        {SIGHUP, "SIGHUP"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}, {SIGPIPE, "SIGPIPE"}};
    for (const auto& [number, name] : signals) {
        instance.signal(number);
        EXPECT_TRUE(eventually([&, &name = name] { return logged(name) == 1; })) << name;
        EXPECT_EQ(http_get(instance.admin_port(), "/health/ready").status, 200u) << name;
    }
    EXPECT_THAT(instance.log(), HasSubstr("not read anew: restart"));
    instance.signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return instance.log().find("\"draining\"") != std::string::npos; }));
    instance.signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return logged("SIGHUP") == 2; })) << "also while it stops";
    EXPECT_EQ(http_get(instance.port(), "/x").status, 404u);
    instance.signal(SIGINT);
    EXPECT_EQ(instance.wait(), 128 + SIGINT);
}

TEST(Stop, AReaderOfTheLogThatDoesNotReadHoldsNobodyUp) {
    const TemporaryDirectory directory;
    const auto fifo = directory.path() / "out";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const Descriptor pipe{::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};  // there is a reader to the end
    ASSERT_GT(::fcntl(pipe.value, F_SETPIPE_SZ, 4096), 0);
    const auto file = directory.write("api.yaml", config("{ drain: 1s }"));
    ChildProcess process{serve_with(file, "> \"$2\"", fifo.string()), directory.path() / "err"};
    std::string log;
    ASSERT_TRUE(eventually([&] { return (log += read_some(pipe.value)).find("\"serving\"") != std::string::npos; })) << log;
    const auto port = port_in(log, R"("port":)");
    ASSERT_GT(port, 0);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(http_get(port, "/x").status, 404u);  // far more than the pipe holds

    process.signal(SIGTERM);
    EXPECT_TRUE(eventually([&] { return !process.running(); }, 20s));
}

TEST(Stop, ALogThatIsReadIsWrittenToItsEnd) {
    const TemporaryDirectory directory;
    const auto fifo = directory.path() / "out";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const Descriptor pipe{::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    const auto file = directory.write("api.yaml", config("{ drain: 10s }"));
    ChildProcess process{serve_with(file, "> \"$2\"", fifo.string()), directory.path() / "err"};
    std::string log;
    ASSERT_TRUE(eventually([&] { return (log += read_some(pipe.value)).find("\"serving\"") != std::string::npos; })) << log;
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(http_get(port_in(log, R"("port":)"), "/x").status, 404u);
    process.signal(SIGTERM);
    ASSERT_TRUE(eventually([&] {
        log += read_some(pipe.value);
        return !process.running();
    })) << log;
    for (std::string more; !(more = read_some(pipe.value)).empty();) log += more;
    EXPECT_EQ(count_of(log, R"("event":"request")"), 1000u);
    EXPECT_THAT(log, HasSubstr(R"("event":"stopped"})"));
}

TEST(Stop, AnAdminJobThatHangsIsAbandonedWhenTheDrainIsOver) {
    const TemporaryDirectory directory;
    const SilentServer primary;
    const auto file = directory.write(
        "api.yaml", config("{ drain: 1s }", "postgres: { primary: '" + primary.url() + "' }\n" +
                                                "auth: { key_secrets: ['0123456789abcdef0123456789abcdef'] }\n"));
    Instance instance{file, {}};
    HttpClient admin{instance.admin_port()};
    const std::string body = R"({"name":"a","tier":"pro"})";
    ASSERT_TRUE(
        admin.send("POST /admin/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a-token\r\nContent-Type: "
                   "application/json\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n\r\n" + body));
    // The loop has begun with it once another connection is answered twice.
    HttpClient other{instance.admin_port()};
    for (int i = 0; i < 2; ++i) EXPECT_EQ(other.request("GET", "/health/live").status, 200u);
    instance.signal(SIGTERM);
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(instance.wait(), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 15s) << "the job has 30 s";
}

TEST(Stop, WhoIsNotServingYetEndsAtOnce) {
    const TemporaryDirectory directory;
    const SilentServer primary;
    const auto file =
        directory.write("api.yaml", config("{ drain: 1s }", "postgres: { primary: '" + primary.url() + "' }\n"));
    ChildProcess process{serve_with(file, ""), directory.path() / "out"};
    process.signal(SIGTERM);
    EXPECT_TRUE(eventually([&] { return !process.running(); }, 4s)) << "the primary is waited for longer";
}

TEST(Stop, ClosedDescriptorsAreTheNullDevice) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", config("{ drain: 1s }"));
    const auto pid_file = directory.path() / "pid";
    ChildProcess process{{"bash", "-c", "echo $$ > \"$2\"; exec \"$0\" serve --config \"$1\" <&- >&- 2>&-", sluice_program(),
                          file.string(), pid_file.string()},
                         directory.path() / "out"};
    const auto link_of = [&](const std::string& descriptor) {
        std::string pid;
        std::ifstream{pid_file} >> pid;
        std::error_code none;
        return std::filesystem::read_symlink("/proc/" + pid + "/fd/" + descriptor, none).string();
    };
    // The loops have descriptors of their own.
    ASSERT_TRUE(eventually([&] { return link_of("3") != "" && link_of("9") != ""; }));
    for (const auto* descriptor : {"0", "1", "2"}) EXPECT_EQ(link_of(descriptor), "/dev/null") << descriptor;
    process.signal(SIGTERM);
    EXPECT_TRUE(eventually([&] { return !process.running(); }));
}

TEST(LogFormat, IsTextOnATerminalAndJsonElsewhere) {
    const TemporaryDirectory directory;
    const Descriptor terminal{::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    ASSERT_EQ(::grantpt(terminal.value), 0);
    ASSERT_EQ(::unlockpt(terminal.value), 0);
    const std::string name = ::ptsname(terminal.value);
    const Descriptor kept{::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    const auto shown = [&](const std::string& log_section, const std::string& end) {
        const auto file = directory.write("api.yaml", config("{ drain: 1s }", log_section));
        ChildProcess process{serve_with(file, "> \"$2\"", name), directory.path() / "err"};
        std::string log;
        EXPECT_TRUE(eventually([&] { return (log += read_some(terminal.value)).find(end) != std::string::npos; })) << log;
        process.signal(SIGTERM);
        EXPECT_TRUE(eventually([&] {
            read_some(terminal.value);
            return !process.running();
        }));
        return log;
    };
    const auto text = shown("", " version=");
    EXPECT_THAT(text, HasSubstr("Z info    serving port="));
    EXPECT_THAT(text, Not(HasSubstr("{\"time\"")));
    EXPECT_THAT(shown("log: { format: json }\n", R"("event":"serving")"), HasSubstr("{\"time\""));
}

TEST(LogFormat, CanBeTextInAFile) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", config("{ drain: 1s }", "log: { format: text }\n"));
    const auto output = directory.path() / "out";
    ChildProcess process{serve_with(file, ""), output};
    const auto log = [&] {
        std::ifstream in{output};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    };
    ASSERT_TRUE(eventually([&] { return log().find(" version=") != std::string::npos; })) << log();
    const auto port = port_in(log(), " port=");
    EXPECT_EQ(http_get(port, "/x?a=%1b[31m").status, 404u);
    ASSERT_TRUE(eventually([&] { return log().find(" request ") != std::string::npos; })) << log();
    EXPECT_THAT(log(), HasSubstr("Z info    request request_id="));
    EXPECT_THAT(log(), HasSubstr(" status=404 "));
    process.signal(SIGTERM);
    EXPECT_TRUE(eventually([&] { return !process.running(); }));
}

}  // namespace sluice::test
