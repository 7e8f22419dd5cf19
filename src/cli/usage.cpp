// `usage`: what a key used, as the admin API tells it; asks Redis and the primary itself, so that no instance need run.
#include "admin/key_administration.hpp"
#include "admin/usage_report.hpp"
#include "app/redis_namespace.hpp"
#include "app/usage_flow.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "postgres/connection/database_identity.hpp"
#include "postgres/schema/schema.hpp"
#include "redis/client.hpp"
#include "redis/usage_log.hpp"
#include "runtime/event_loops.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

#include <boost/asio/co_spawn.hpp>
#include <nlohmann/json.hpp>

#include <future>
#include <iostream>
#include <memory>
#include <thread>

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration patience = 10s;

/// A client for one question.
class RedisForNow {
public:
    RedisForNow(runtime::EventLoops& loops, const Settings& settings, telemetry::Metrics& metrics)
        : client_{loops, *settings.redis, metrics}, log_{client_} {
        postgres::Watchdog watchdog;
        const auto answer = postgres::ask_identity({&settings.postgres->primary, 1}, watchdog, patience);
        if (const auto database = app::database_for(answer, settings.redis->prefix)) {
            client_.keys().belong_to(*database, Clock::now());
        } else {
            client_.keys().withhold();
        }
        client_.start();
        const auto until = Clock::now() + 1s;  // a server that is there answers in a fraction of it
        while (!client_.available() && Clock::now() < until) std::this_thread::sleep_for(5ms);
    }
    ~RedisForNow() { client_.stop(); }

    redis::UsageLog& log() { return log_; }

private:
    redis::Client client_;
    redis::UsageLog log_;
};

admin::UsageReport report_of(const Settings& settings, const std::string& key, unsigned days) {
    log::start(log::Level::error);  // standard output is for the figures
    telemetry::Metrics metrics;
    runtime::EventLoops loops{1};
    runtime::BlockingLane lane{1, 1};
    loops.start();
    std::optional<RedisForNow> redis;
    if (settings.redis) redis.emplace(loops, settings, metrics);
    const auto executor = loops.background().executor();
    auto promise = std::make_shared<std::promise<admin::UsageReport>>();
    auto report = promise->get_future();
    boost::asio::co_spawn(executor,
                          app::read_usage(settings.postgres->primary, redis ? &redis->log() : nullptr, lane, executor, key,
                                          days, Deadline::after(Clock::now(), patience)),
                          [promise](std::exception_ptr error, admin::UsageReport read) {
                              if (error) {
                                  promise->set_exception(error);
                              } else {
                                  promise->set_value(std::move(read));
                              }
                          });
    report.wait();
    redis.reset();
    loops.stop();
    log::stop();
    return report.get();
}

}  // namespace

int show_usage(const Common& common, const std::string& key, unsigned days) {
    const auto settings = load_settings(common.config);
    if (!settings.postgres) throw Failure{"the configuration has no 'postgres': usage is not recorded"};
    postgres::migrate(settings.postgres->primary);
    const admin::KeyAdministration keys{settings.postgres->primary, settings.auth.key_secrets, settings.tiers};
    if (const auto found = keys.show(key); !found) {
        throw Failure{found.error().message + "; 'sluice keys list' shows the ids"};
    }
    const auto report = report_of(settings, key, days);
    if (!report.complete) std::cerr << "note: Redis did not answer; what was counted in the last seconds is missing\n";
    if (common.json) {
        std::cout << to_json(report).dump(2) << '\n';
        return 0;
    }
    std::vector<std::vector<std::string>> rows{{"DAY", "REQUESTS", "ERRORS", "REJECTIONS", "BYTES"}};
    for (const auto& [id, day, usage] : report.days) {
        rows.push_back({admin::to_string(day), std::to_string(usage.requests), std::to_string(usage.errors),
                        std::to_string(usage.rejections), std::to_string(usage.bytes)});
    }
    print_table(std::cout, rows);
    return 0;
}

}  // namespace sluice::cli
