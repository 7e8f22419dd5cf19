// open_loop PORT RATE SECONDS CONNECTIONS PATH PLACES [FIELD: VALUE]…: sends GET requests to 127.0.0.1 at a fixed rate, and
// says as one line of JSON how long answers took.
//
// When each request is due stands in a schedule, and its latency counts from then: a server that stalls is charged for all
// requests that fell due meanwhile, also those that no connection was free for (a closed loop would just not send them).
// With PLACES above 0 each request asks for PATH followed by a random number up to that. `late_p99` is how long after its
// time the generator got to a request: its own share of the latencies.
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

struct Plan {
    std::uint16_t port;
    std::uint64_t rate;
    std::uint64_t total;  // requests
    std::size_t connections;
    std::string path;
    std::uint32_t places;
    std::string fields;  // lines of the request's head
};

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw std::runtime_error{"not a number: " + std::string{text}};
    }
    return value;
}

/// The length of the first whole answer in the text, if it is there.
std::optional<std::size_t> length_of_answer(std::string_view text) {
    const auto head = text.find("\r\n\r\n");
    if (head == std::string_view::npos) return std::nullopt;
    if (!text.starts_with("HTTP/1.1 200 ")) {
        throw std::runtime_error{"not all requests were answered: " + std::string{text.substr(0, text.find('\r'))}};
    }
    constexpr std::string_view field = "\r\nContent-Length: ";
    const auto found = text.substr(0, head).find(field);
    if (found == std::string_view::npos) throw std::runtime_error{"an answer without Content-Length"};
    const auto value = text.substr(found + field.size());
    const auto length = head + 4 + number(value.substr(0, value.find('\r')));
    return text.size() >= length ? std::optional{length} : std::nullopt;
}

double percentile(std::vector<std::int64_t>& sorted, double share) {
    if (sorted.empty()) return 0;
    return static_cast<double>(sorted[static_cast<std::size_t>(static_cast<double>(sorted.size() - 1) * share)]) / 1e6;
}

class Generator {
public:
    explicit Generator(Plan plan) : plan_{std::move(plan)} {
        latencies_.reserve(plan_.total);
        lateness_.reserve(plan_.total);
        const tcp::endpoint server{asio::ip::address_v4::loopback(), plan_.port};
        for (std::size_t i = 0; i < plan_.connections; ++i) {
            idle_.push_back(connections_.emplace_back(std::make_unique<Connection>(context_)).get());
            idle_.back()->socket.connect(server);
            idle_.back()->socket.set_option(tcp::no_delay{true});
        }
    }

    void run() {
        started_ = Clock::now();
        send_what_is_due();
        context_.run_until(due(plan_.total) + std::chrono::seconds{10});
        if (latencies_.size() != plan_.total)
            throw std::runtime_error{"some requests were not answered within 10 s of the end"};
    }

    void print() {
        std::sort(latencies_.begin(), latencies_.end());
        std::sort(lateness_.begin(), lateness_.end());
        std::printf("{\"requests\":%zu,\"seconds\":%.6f,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"late_p99\":%.3f}\n",
                    latencies_.size(), std::chrono::duration<double>(ended_ - started_).count(), percentile(latencies_, 0.5),
                    percentile(latencies_, 0.99), percentile(latencies_, 0.999), percentile(lateness_, 0.99));
    }

private:
    struct Connection {
        explicit Connection(asio::io_context& context) : socket{context} {}
        tcp::socket socket;
        std::string request;
        std::string answer;
        std::array<char, 16384> chunk{};
        Clock::time_point due;
    };

    Clock::time_point due(std::uint64_t index) const {
        return started_ + std::chrono::nanoseconds{index * 1'000'000'000 / plan_.rate};
    }

    void send_what_is_due() {
        const auto now = Clock::now();
        for (; next_ < plan_.total && due(next_) <= now; ++next_) {
            lateness_.push_back((now - due(next_)).count());
            waiting_.push_back(due(next_));
        }
        hand_out();
        if (next_ == plan_.total) return;
        timer_.expires_at(due(next_));
        timer_.async_wait([this](error_code error) {
            if (!error) send_what_is_due();
        });
    }

    void hand_out() {
        while (!waiting_.empty() && !idle_.empty()) {
            auto& connection = *idle_.front();
            idle_.pop_front();
            connection.due = waiting_.front();
            waiting_.pop_front();
            send(connection);
        }
    }

    void send(Connection& connection) {
        connection.request = "GET " + plan_.path;
        if (plan_.places > 0) connection.request += std::to_string(pick_(random_));
        connection.request += " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + plan_.fields + "\r\n";
        asio::async_write(connection.socket, asio::buffer(connection.request), [](error_code error, std::size_t) {
            if (error) throw std::runtime_error{"sending: " + error.message()};
        });
        receive(connection);
    }

    void receive(Connection& connection) {
        connection.socket.async_read_some(asio::buffer(connection.chunk),
                                          [this, &connection](error_code error, std::size_t count) {
                                              if (error) throw std::runtime_error{"receiving: " + error.message()};
                                              connection.answer.append(connection.chunk.data(), count);
                                              const auto length = length_of_answer(connection.answer);
                                              if (!length) return receive(connection);
                                              connection.answer.erase(0, *length);
                                              ended_ = Clock::now();
                                              latencies_.push_back((ended_ - connection.due).count());
                                              idle_.push_back(&connection);
                                              if (latencies_.size() == plan_.total) return context_.stop();
                                              hand_out();
                                          });
    }

    Plan plan_;
    asio::io_context context_{1};
    asio::steady_timer timer_{context_};
    std::minstd_rand random_{1};  // the same places in each run
    std::uniform_int_distribution<std::uint32_t> pick_{1, std::max(1U, plan_.places)};
    std::vector<std::unique_ptr<Connection>> connections_;
    std::deque<Connection*> idle_;           // in turn, as with many clients
    std::deque<Clock::time_point> waiting_;  // due, but no connection was free
    std::uint64_t next_ = 0;
    Clock::time_point started_, ended_;
    std::vector<std::int64_t> latencies_, lateness_;  // ns
};

}  // namespace

int main(int count, char** arguments) {
    if (count < 7) {
        std::cerr << "usage: open_loop PORT RATE SECONDS CONNECTIONS PATH PLACES [FIELD: VALUE]...\n";
        return 2;
    }
    try {
        std::string fields;
        for (int i = 7; i < count; ++i) fields += std::string{arguments[i]} + "\r\n";
        const auto rate = std::max<std::uint64_t>(1, number(arguments[2]));
        Generator generator{{static_cast<std::uint16_t>(number(arguments[1])), rate, rate * number(arguments[3]),
                             number(arguments[4]), arguments[5], static_cast<std::uint32_t>(number(arguments[6])), fields}};
        generator.run();
        generator.print();
    } catch (const std::exception& error) {
        std::cerr << "open_loop: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
