#include "http/listener.hpp"

#include "http/address.hpp"
#include "http/session.hpp"
#include "http/spare_descriptors.hpp"
#include "runtime/gate.hpp"
#include "telemetry/log.hpp"
#include "telemetry/throttle.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace sluice::http {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

/// Connections beyond the limit that are being told so at one time; more are closed without a word.
constexpr std::size_t max_turned_away = 64;
constexpr auto accept_pause = 100ms;
constexpr auto failure_line_every = 10s;
/// For sessions to end once their connections are closed and their handlers cancelled.
constexpr auto abort_time = 1s;
/// Descriptors that connections to the public API leave to the admin listener and to those of the pools that are made anew;
/// of few, an eighth.
constexpr ::rlim_t most_reserved_descriptors = 64;

/// What each listener holds besides, should the process's own, such as the pools', have taken all others.
constexpr std::size_t spare_descriptors = 4;

/// The kernel gives the smallest that is free: one at or beyond this says that only the reserve is left.
int end_of_public_descriptors() {
    ::rlimit limit{};
    constexpr auto most = std::numeric_limits<int>::max();
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= static_cast<::rlim_t>(most)) return most;
    return static_cast<int>(limit.rlim_cur - std::min(most_reserved_descriptors, limit.rlim_cur / 8));
}

}  // namespace

class Listener::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(runtime::EventLoops& loops, const std::shared_ptr<const Site>& site, telemetry::Metrics& metrics, Mode mode)
        : site_{site},
          failures_{metrics.http_accept_failures()},
          door_{std::make_shared<Door>(loops.background().executor())} {
        const auto add_lane = [&](runtime::Loop& loop) { lanes_.push_back(std::make_unique<Lane>(loop, site, metrics)); };
        if (mode == Mode::background) {
            add_lane(loops.background());
        } else {
            for (std::size_t i = 0; i < loops.size(); ++i) add_lane(loops.serving(i));
            open_connections_ = metrics.http_connections();
            end_of_descriptors_ = end_of_public_descriptors();
        }
    }

    void open(std::string_view address) {
        const auto endpoint = resolve(address);
        auto& acceptor = door_->acceptor;
        error_code error;
        acceptor.open(endpoint.protocol(), error);
        if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
        if (!error) acceptor.bind(endpoint, error);
        if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
        if (error) throw cannot_listen(address, error.message());
        port_ = acceptor.local_endpoint().port();
        spares_.refill();  // before anything else can take them all
    }

    std::uint16_t port() const noexcept { return port_; }

    void start() {
        started_ = true;
        boost::asio::co_spawn(door_->acceptor.get_executor(), accept(shared_from_this(), door_),
                              [](const std::exception_ptr&) {});
    }

    void stop_accepting() {
        const auto door = std::exchange(door_, nullptr);
        if (!door || !started_) return;
        const auto closed = std::make_shared<std::promise<void>>();
        boost::asio::post(door->acceptor.get_executor(), [door, closed] {
            error_code ignored;
            door->acceptor.close(ignored);
            door->pause.cancel();
            closed->set_value();
        });
        closed->get_future().wait_for(abort_time);  // in vain only if the loops have ended
    }

    void serve(const std::shared_ptr<const Site>& site) {
        const std::lock_guard lock{site_mutex_};  // every loop hears of several in the same order
        site_ = site;
        on_each_lane([site](Lane& lane) { lane.site.replace(site); });
    }

    void close_after_answers() noexcept {
        for (auto& lane : lanes_) lane->closing = true;
    }

    bool drain(Deadline deadline) {
        close_after_answers();
        stop_accepting();
        gate_.close();
        on_each_lane([](Lane& lane) {
            lane.draining = true;
            for (auto* session : lane.sessions) session->begin_drain();
        });
        if (gate_.wait_empty(deadline)) return true;
        on_each_lane([](Lane& lane) {
            for (auto* session : lane.sessions) session->abort();
        });
        if (!gate_.wait_empty(Deadline::after(Clock::now(), abort_time))) {
            log::warning("sessions_left_behind", {{"count", gate_.count()}});
        }
        return false;
    }

private:
    /// Goes with the accept loop rather than with the sessions: it lives on another loop than they.
    struct Door {
        explicit Door(Executor executor) : acceptor{executor}, pause{executor} {}
        boost::asio::basic_socket_acceptor<tcp, Executor> acceptor;
        runtime::Timer pause;
    };

    /// Counts a connection while it lives: held by its session's completion. The members go in reverse order.
    struct Ticket {
        Ticket(std::shared_ptr<Impl> the_listener, std::optional<runtime::Gate::Pass> its_pass)
            : listener{std::move(the_listener)}, pass{std::move(its_pass)} {
            if (pass)
                listener->open_connections_.add(1);
            else
                ++listener->turned_away_;
        }
        Ticket(Ticket&&) noexcept = default;
        Ticket& operator=(Ticket&&) = delete;
        ~Ticket() {
            if (!listener) return;
            session.reset();  // its descriptor is free
            listener->spares_.refill();
            if (counted_as_open)
                listener->open_connections_.add(-1);
            else
                --listener->turned_away_;
        }

        std::shared_ptr<Impl> listener;
        std::optional<runtime::Gate::Pass> pass;
        bool counted_as_open = pass.has_value();  // `pass` may have been moved from
        std::shared_ptr<Session> session;
    };

    template <class Visit>
    void on_each_lane(Visit visit) {
        for (auto& lane : lanes_) {
            boost::asio::post(lane->loop.executor(), [self = shared_from_this(), &lane = *lane, visit] { visit(lane); });
        }
    }

    std::shared_ptr<const Site> site() {
        const std::lock_guard lock{site_mutex_};
        return site_;
    }

    static bool is_shortage(const error_code& error) {
        return error == boost::asio::error::no_descriptors || error == boost::system::errc::too_many_files_open_in_system ||
               error == boost::asio::error::no_buffer_space || error == boost::asio::error::no_memory;
    }

    /// Ends with the acceptor alone: neither errors nor exceptions are a reason to take no more connections.
    static awaitable<void> accept(std::shared_ptr<Impl> self, std::shared_ptr<Door> door) {
        bool wait = false;
        for (std::size_t next = 0; door->acceptor.is_open(); ++next) {
            try {
                if (std::exchange(wait, false)) {
                    door->pause.expires_after(accept_pause);
                    error_code cancelled;
                    co_await door->pause.async_wait(boost::asio::redirect_error(use_awaitable, cancelled));
                    if (!door->acceptor.is_open()) co_return;
                }
                Lane& lane = *self->lanes_[next % self->lanes_.size()];
                auto accepted = door->acceptor.async_accept(lane.loop.context, boost::asio::as_tuple(use_awaitable));
                auto [error, socket] = co_await std::move(accepted);
                if (!error) {
                    self->take(lane, std::move(socket));
                } else if (is_shortage(error) && self->spares_.give_one_up()) {
                    continue;
                } else if (is_shortage(error)) {
                    self->note_failure(error.message());
                    wait = true;
                }
            } catch (const std::exception& failure) {  // such as no memory for a session
                self->note_failure(failure.what());
                wait = true;
            }
        }
    }

    void note_failure(std::string_view reason) {
        failures_.add();
        const auto left_out = failure_lines_.pass(Clock::now());
        if (left_out) log::warning("accept_failed", {{"port", port_}, {"reason", reason}, {"left_out", *left_out}});
    }

    void take(Lane& lane, Socket socket) {
        if (socket.native_handle() >= end_of_descriptors_) return note_failure("no descriptors are left for connections");
        const auto site = this->site();
        const bool too_many = gate_.count() >= site->settings.limits.connections;
        if (too_many && turned_away_.load() >= max_turned_away) return;
        auto pass = too_many ? std::optional<runtime::Gate::Pass>{} : gate_.enter();
        if (!too_many && !pass) return;  // draining
        Ticket ticket{shared_from_this(), std::move(pass)};
        ticket.session = std::make_shared<Session>(lane, std::move(socket), site->settings);
        auto& session = *ticket.session;
        auto work = too_many ? session.turn_away() : session.run();
        auto finished = [ticket = std::move(ticket)](const std::exception_ptr& error) {
            if (error) log::error("session_failed");
        };
        boost::asio::co_spawn(lane.loop.executor(), std::move(work),
                              boost::asio::bind_cancellation_slot(session.cancellation_slot(), std::move(finished)));
    }

    std::mutex site_mutex_;  // guards the pointer
    std::shared_ptr<const Site> site_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    telemetry::Gauge open_connections_;  // counts into nothing for the admin API
    const telemetry::Counter failures_;
    log::Throttle failure_lines_{failure_line_every};
    SpareDescriptors spares_{spare_descriptors};
    int end_of_descriptors_ = std::numeric_limits<int>::max();  // connections have smaller ones
    std::shared_ptr<Door> door_;                                // null once closed
    std::uint16_t port_ = 0;
    bool started_ = false;
    std::atomic<std::size_t> turned_away_{0};
    runtime::Gate gate_;  // last: one pass per connection
};

Listener::Listener(runtime::EventLoops& loops, std::shared_ptr<const Site> site, telemetry::Metrics& metrics, Mode mode)
    : impl_{std::make_shared<Impl>(loops, site, metrics, mode)} {}

Listener::~Listener() { impl_->stop_accepting(); }

void Listener::open(std::string_view address) { impl_->open(address); }
std::uint16_t Listener::port() const noexcept { return impl_->port(); }
void Listener::start() { impl_->start(); }
void Listener::stop_accepting() { impl_->stop_accepting(); }
void Listener::serve(std::shared_ptr<const Site> site) { impl_->serve(site); }
void Listener::close_after_answers() noexcept { impl_->close_after_answers(); }
bool Listener::drain(Deadline deadline) { return impl_->drain(deadline); }

}  // namespace sluice::http
