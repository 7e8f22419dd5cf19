#include "sluice/server.hpp"

#include "admin/health.hpp"
#include "app/admin_site.hpp"
#include "app/dependencies.hpp"
#include "app/descriptors.hpp"
#include "app/route_check.hpp"
#include "app/serving.hpp"
#include "app/stop_signal.hpp"
#include "http/listener.hpp"
#include "http/pipeline.hpp"
#include "http/router.hpp"
#include "middleware/correlate.hpp"
#include "middleware/error_boundary.hpp"
#include "postgres/connection/errors.hpp"
#include "runtime/blocking_lane.hpp"
#include "runtime/event_loops.hpp"
#include "runtime/memory_budget.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

#include <malloc.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace sluice {
namespace {

/// A loop that has not turned for this long is stuck.
constexpr auto stuck_after = std::chrono::seconds{5};

/// What is left to do when the drain is over takes no longer, or is abandoned.
constexpr auto stop_patience = std::chrono::seconds{2};

/// Large bodies that wait to be read, for each worker that reads them: each is held twice.
constexpr std::size_t waiting_bodies = 8;

log::Level level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return log::Level::debug;
        case LogLevel::info:
            return log::Level::info;
        case LogLevel::warning:
            return log::Level::warning;
        case LogLevel::error:
            return log::Level::error;
    }
    return log::Level::info;
}

log::Format format_of(LogFormat format) {
    const bool text = format == LogFormat::text || (format == LogFormat::automatic && log::on_terminal());
    return text ? log::Format::text : log::Format::json;
}

void throw_if_any(std::vector<ConfigurationMistake> mistakes) {
    if (!mistakes.empty()) throw ConfigurationError{std::move(mistakes)};
}

}  // namespace

class Server::Impl {
public:
    explicit Impl(Settings settings)
        : settings_{std::move(settings)},
          memory_{settings_.server.memory},
          loops_{settings_.server.threads},
          body_lane_{loops_.size(), loops_.size() * waiting_bodies} {}

    void handle(std::string_view method_and_pattern, Handler handler, RouteOptions options);
    void use(std::unique_ptr<Middleware> middleware) { own_.steps.push_back(std::move(middleware)); }
    /// `about_to_serve`: called before anybody can be answered.
    void start(const std::function<void()>& about_to_serve = {});
    void stop();
    /// From the signal to the end of the process.
    milliseconds longest_stop() const {
        const auto& timeouts = settings_.server.timeouts;
        return timeouts.grace + timeouts.drain + stop_patience;
    }

    const http::Listener& listener() const {
        if (!listener_) throw std::logic_error{"the server has not been started"};
        return *listener_;
    }
    std::uint16_t admin_port() const { return admin_listener_ ? admin_listener_->port() : std::uint16_t{0}; }

private:
    void build();
    void check_at_start();
    void log_rejected_statements() const;
    void report_stopped(bool finished) const;

    // In the order of their lifetimes: what comes later uses what comes before.
    Settings settings_;
    app::Serving::Own own_;
    std::vector<ConfigurationMistake> mistakes_;

    telemetry::Metrics metrics_;
    runtime::MemoryBudget memory_;  // of bodies and answers in flight
    runtime::EventLoops loops_;
    runtime::BlockingLane body_lane_;  // a worker per loop, so that large bodies take no more than half of the processors
    std::unique_ptr<app::Dependencies> dependencies_;
    std::unique_ptr<admin::Health> health_;
    std::shared_ptr<const app::Serving> serving_;
    std::unique_ptr<http::Listener> listener_;
    std::unique_ptr<http::Listener> admin_listener_;
    bool checked_ = false;
    bool running_ = false;
    std::mutex stopping_;
};

void Server::Impl::handle(std::string_view method_and_pattern, Handler handler, RouteOptions options) {
    const auto space = method_and_pattern.find(' ');
    const auto method = method_from(method_and_pattern.substr(0, space));
    if (space == method_and_pattern.npos || !method) {
        mistakes_.push_back({{}, "'" + std::string{method_and_pattern} + "' is no route: write 'GET /path/{name}'"});
        return;
    }
    Route route;
    route.method = *method;
    route.pattern = method_and_pattern.substr(space + 1);
    route.options = std::move(options);
    // One for all configurations, as it may have state, and what it captures is promised to stay.
    route.handler = [kept = std::make_shared<const Handler>(std::move(handler))](Exchange& exchange) {
        return (*kept)(exchange);
    };
    own_.routes.push_back(std::move(route));
}

void Server::Impl::build() {
    throw_if_any(std::move(mistakes_));
    throw_if_any(app::check_parts(settings_));
    dependencies_ = std::make_unique<app::Dependencies>(settings_, loops_, metrics_);
    const auto turning = [this] { return loops_.turning(Clock::now(), stuck_after); };
    health_ = std::make_unique<admin::Health>(turning, [this] { return dependencies_->health(); });

    const auto lag = metrics_.loop_lag_seconds();
    loops_.observe_lateness([lag](Duration late) { lag.observe(std::chrono::duration<double>(late).count()); });
    serving_ = std::make_shared<const app::Serving>(
        std::make_shared<app::Configuration>(settings_), own_,
        app::Serving::Parts{*dependencies_, dependencies_->database(), metrics_, memory_, body_lane_});
    listener_ =
        std::make_unique<http::Listener>(loops_, app::Serving::site(serving_), metrics_, http::Listener::Mode::serving);
    listener_->open(settings_.server.listen);

    if (settings_.server.admin.empty()) return;
    std::vector<std::shared_ptr<Middleware>> admin_steps;
    admin_steps.push_back(std::make_shared<middleware::Correlate>(settings_.server.trusted_proxies));
    admin_steps.push_back(std::make_shared<middleware::ErrorBoundary>());
    http::Pipeline pipeline{http::Router{app::admin_routes({settings_, *dependencies_, *health_, metrics_, memory_})},
                            std::move(admin_steps), settings_.server.timeouts.request, settings_.server.limits.body};
    auto site = std::make_shared<const http::Site>(http::Site{std::move(pipeline), settings_.server, {}, nullptr});
    admin_listener_ = std::make_unique<http::Listener>(loops_, std::move(site), metrics_, http::Listener::Mode::background);
    admin_listener_->open(settings_.server.admin);
}

void Server::Impl::check_at_start() {
    try {
        std::vector<std::string> notes;
        app::refuse_unsaid_pooler(settings_);
        throw_if_any(app::check_statements(settings_));
        throw_if_any(app::check_tables(settings_, notes));
        for (const auto& note : notes) log::warning("table_note", {{"detail", note}});
        dependencies_->learn_tag_types();
        checked_ = true;
    } catch (const postgres::ConnectionLost& error) {
        log::warning("starting_degraded",
                     {{"detail", "the primary cannot be reached; its statements are checked when it answers"},
                      {"error", error.what()}});
    }
}

void Server::Impl::log_rejected_statements() const {
    try {
        app::refuse_unsaid_pooler(settings_);
        for (const auto& mistake : app::check_statements(settings_)) {
            log::error(
                "statement_rejected",
                {{"detail", "its route will fail"}, {"location", to_string(mistake.location)}, {"error", mistake.message}});
        }
    } catch (const std::exception& error) {
        log::warning("statements_not_checked", {{"error", error.what()}});
    }
}

void Server::Impl::start(const std::function<void()>& about_to_serve) {
    log::start(level_of(settings_.log.level), format_of(settings_.log.format));
    try {
        app::fit_to_descriptors(settings_.server.limits.connections);
        build();
        check_at_start();
    } catch (...) {
        log::stop();
        throw;
    }
    std::function<void()> check_later;
    if (!checked_) check_later = [this] { log_rejected_statements(); };
    loops_.start();
    running_ = true;
    dependencies_->start(std::move(check_later));
    if (about_to_serve) about_to_serve();
    if (admin_listener_) admin_listener_->start();
    listener_->start();
    health_->enter(admin::Phase::serving);
    log::info("serving", {{"port", listener_->port()},
                          {"admin_port", admin_port()},
                          {"loops", loops_.size()},
                          {"routes", serving_->route_count()},
                          {"version", SLUICE_VERSION}});
}

void Server::Impl::stop() {
    const std::lock_guard lock{stopping_};
    if (!running_) return;
    running_ = false;
    // Load balancers see it first, and clients with their next answer; then nobody new is let in; those inside may finish.
    listener_->close_after_answers();
    if (admin_listener_) admin_listener_->close_after_answers();
    health_->enter(admin::Phase::draining);
    log::info("draining", {{"grace_ms", settings_.server.timeouts.grace.count()},
                           {"drain_ms", settings_.server.timeouts.drain.count()}});
    std::this_thread::sleep_for(settings_.server.timeouts.grace);
    const auto deadline = Deadline::after(Clock::now(), settings_.server.timeouts.drain);
    const bool finished = listener_->drain(deadline);
    // The admin API asks the dependencies too.
    if (admin_listener_) admin_listener_->drain(Deadline::after(Clock::now(), std::chrono::seconds{1}));
    // Loads outlive their requests by the shared copy they store; dependencies end them if they hang.
    const bool loaded = dependencies_->cache().drain(Deadline::after(Clock::now(), std::chrono::seconds{1}));
    dependencies_->stop();
    if (!loaded) dependencies_->cache().drain(Deadline::never());
    loops_.stop();
    report_stopped(finished);
    log::stop();
}

void Server::Impl::report_stopped(bool finished) const {
    if (finished)
        log::info("stopped");
    else
        log::warning("stopped", {{"detail", "requests in flight were cut off at the drain timeout"}});
}

Server::Server(Settings settings) : impl_{std::make_unique<Impl>(std::move(settings))} {}

Server::~Server() { stop(); }

Server& Server::handle(std::string_view method_and_pattern, Handler handler, RouteOptions options) {
    impl_->handle(method_and_pattern, std::move(handler), std::move(options));
    return *this;
}

Server& Server::use(std::unique_ptr<Middleware> middleware) {
    impl_->use(std::move(middleware));
    return *this;
}

void Server::start() { impl_->start(); }

void Server::stop() { impl_->stop(); }

std::uint16_t Server::port() const { return impl_->listener().port(); }

std::uint16_t Server::admin_port() const { return impl_->admin_port(); }

int Server::run() {
    app::open_standard_descriptors();
    app::allow_many_descriptors();
    // Large blocks are given back to the system one by one. In the heap they would gather, to be given back at once on a
    // loop, or never.
    ::mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
    app::block_signals();
    app::StopSignal signal{impl_->longest_stop()};
    impl_->start([&signal] { signal.serving(); });
    signal.wait();
    stop();
    return 0;
}

}  // namespace sluice
