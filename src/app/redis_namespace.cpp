#include "app/redis_namespace.hpp"

#include "runtime/on_lane.hpp"
#include "runtime/on_loops.hpp"
#include "runtime/timer_sweep.hpp"
#include "telemetry/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>

#include <unistd.h>

#include <array>
#include <exception>
#include <utility>

namespace sluice::app {
namespace {

namespace asio = boost::asio;

std::string machine_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : std::string{};
}

}  // namespace

std::optional<std::string> database_for(const postgres::IdentityAnswer& answer, const std::string& prefix) {
    if (answer.identity) return answer.identity;
    if (!answer.refusal.empty() && !prefix.empty()) return std::string{};
    return std::nullopt;
}

/// What the loop and `stop` share.
struct RedisNamespace::Run {
    explicit Run(Executor executor) : timer{executor} {}
    runtime::Timer timer;
    bool stopping = false;
};

RedisNamespace::RedisNamespace(Settings settings, redis::Client& client, OnChange on_change)
    : settings_{std::move(settings)},
      client_{client},
      on_change_{std::move(on_change)},
      alias_{client, postgres::database_address(settings_.servers.front(), machine_name())} {
    client_.keys().withhold();
}

RedisNamespace::~RedisNamespace() { stop(); }

void RedisNamespace::start() {
    const auto executor = client_.loops().background().executor();
    run_ = std::make_shared<Run>(executor);
    const auto escalate = [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(executor, run(run_), escalate);
}

void RedisNamespace::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopped_ = true;
    }
    watchdog_.stop();
    if (!run_) return;
    const auto run = std::exchange(run_, nullptr);
    runtime::run_on_loops({{client_.loops().background().executor(), [run] {
                                run->stopping = true;
                                run->timer.cancel();
                            }}});
}

void RedisNamespace::primary_is(const postgres::ServerIdentity& identity) {
    if (identity.system == 0) return;  // the role may not know it
    if (identity == std::exchange(primary_, identity)) return;
    take(Source::server, postgres::name_of_database(identity), true);
}

awaitable<void> RedisNamespace::run(std::shared_ptr<Run> run) {
    const auto executor = client_.loops().background().executor();
    // The change feed's first poll tells as soon as it is connected.
    auto pause = std::chrono::milliseconds{50};
    for (;;) {
        run->timer.expires_after(pause);
        boost::system::error_code cancelled;
        co_await run->timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
        if (run->stopping) co_return;  // and *this may be gone
        if (told()) {
            auto known = database();
            if (!known.empty()) co_await alias_.remember(std::move(known), Deadline::never());
            pause = settings_.remind;
            continue;
        }
        std::function<postgres::IdentityAnswer()> ask = [this] {
            return postgres::ask_identity(settings_.servers, watchdog_, settings_.patience);
        };
        const auto answer =
            co_await runtime::on_lane<postgres::IdentityAnswer>(lane_, executor, Deadline::never(), std::move(ask));
        if (run->stopping) co_return;
        pause = settings_.look_again;
        if (told()) continue;  // by the primary, meanwhile
        if (answer && (answer->identity || !answer->refusal.empty())) {
            learn(*answer);
            if (told()) pause = std::chrono::milliseconds{0};
        } else {
            co_await look_up_alias();
        }
        if (run->stopping) co_return;
    }
}

awaitable<void> RedisNamespace::look_up_alias() {
    const auto databases = co_await alias_.databases(Deadline::never());
    if (told()) co_return;
    if (!databases) {
        if (state() != "ok") lack(Source::unknown, "neither PostgreSQL nor Redis answers");
    } else if (databases->empty()) {
        lack(Source::unknown, "no server of PostgreSQL answers, and nobody remembers which database it was");
    } else if (databases->size() > 1) {
        lack(Source::ambiguous, "no server of PostgreSQL answers, and its address led to several databases");
    } else {
        take(Source::alias, databases->front());
    }
}

void RedisNamespace::learn(const postgres::IdentityAnswer& answer) {
    if (const auto database = database_for(answer, settings_.prefix)) {
        take(Source::server, *database);
    } else {
        lack(Source::refused, "PostgreSQL does not say which database it serves: " + answer.refusal +
                                  "; grant execute on function pg_control_system() to the role, or set redis.prefix");
    }
}

void RedisNamespace::take(Source source, const std::string& database, bool primary) {
    bool replaced = false;
    {
        const std::lock_guard lock{mutex_};
        if (stopped_ || (source_ == Source::server && !primary)) return;
        const bool same = source_ == source && database_ == database;
        replaced = !database_.empty() && database_ != database;
        source_ = source;
        database_ = database;
        reported_ = false;
        const bool changed = client_.keys().belong_to(database, Clock::now() + Duration{settings_.settle});
        if (same && !changed) return;
    }
    log::write(
        replaced ? log::Level::warning : log::Level::info, "redis_namespace",
        {{"database", database}, {"told_by", source == Source::server ? "postgres" : "redis"}, {"replaced", replaced}});
    on_change_(replaced);
}

void RedisNamespace::lack(Source source, const std::string& reason) {
    {
        const std::lock_guard lock{mutex_};
        if (stopped_ || source_ == Source::server) return;
        const bool known = source_ == source && reported_;
        source_ = source;
        reported_ = true;
        client_.keys().withhold();
        if (known) return;
    }
    log::warning("redis_namespace_unknown",
                 {{"reason", reason}, {"effect", "limits are local shares, the cache is L1 alone"}});
    on_change_(false);
}

bool RedisNamespace::told() const {
    const std::lock_guard lock{mutex_};
    return source_ == Source::server;
}

std::string RedisNamespace::database() const {
    const std::lock_guard lock{mutex_};
    return database_;
}

std::string RedisNamespace::state() const {
    const std::lock_guard lock{mutex_};
    switch (source_) {
        case Source::unknown:
            return "database unknown";
        case Source::ambiguous:
            return "database ambiguous";
        case Source::refused:
            return "database not told";
        case Source::alias:
        case Source::server:
            break;
    }
    return "ok";
}

}  // namespace sluice::app
