#include "faults/race_world.hpp"

#include "postgres/connection/connection.hpp"
#include "support/http_client.hpp"
#include "support/private_stack.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <ctime>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::uint32_t first_bulk = 10;

const std::string& primary() { return PrivateStack::instance().env("SLUICE_PG_PRIMARY"); }

// Wherever nothing else is said, as long as a client has patience.
const std::string config_text = R"(
server: { listen: 127.0.0.1:0, admin: 127.0.0.1:0, threads: 2 }
log: { access: off }
postgres: { primary: "${RACE_PRIMARY}", replicas: [ { url: "${RACE_REPLICA}" } ], pool: 8 }
redis: { url: "${RACE_REDIS}" }
tiers: { anonymous: { requests: 100000000, window: 60s } }
tables: { tracked: { tags: ["tracked:{id}"] }, bulk: { tags: ["bulk:{id}"] } }
routes:
  GET /noted/{id}:
    params: { id: integer }
    result: one
    sql: select v from noted where id = :id
    cache: { ttl: 1h, tags: ["noted:{id}"] }
  GET /tracked/{id}:
    params: { id: integer }
    result: one
    sql: select v from tracked where id = :id
    cache: { ttl: 1h, tags: ["tracked:{id}"] }
  GET /bulk/{id}:
    params: { id: integer }
    timeout: 1s
    result: one
    sql: select v from bulk where id = :id
    cache: { ttl: 1h, tags: ["bulk:{id}"] }
  POST /noted/{id}:
    params: { id: integer }
    timeout: 2s
    result: one
    sql: update noted set v = v + 1 where id = :id returning v
    invalidates: ["noted:{id}"]
)";

/// Other programs write on connections like this one, past the instances and their relays.
class Direct {
public:
    explicit Direct(const std::string& url) : connection_{url, watchdog_, Clock::now() + 30s} {}
    std::optional<std::int64_t> run(const std::string& sql) {
        const auto rows = connection_.execute(sql, Clock::now() + 30s);
        if (rows.empty() || !rows.front().front()) return std::nullopt;
        return std::stoll(*rows.front().front());
    }

private:
    postgres::Watchdog watchdog_;
    postgres::Connection connection_;
};

milliseconds between(std::mt19937& random, int from, int to) {
    return milliseconds{std::uniform_int_distribution<int>{from, to}(random)};
}

/// The pace of a client, not a wait for something.
void pause(std::mt19937& random, int from, int to) { std::this_thread::sleep_for(between(random, from, to)); }

std::optional<std::int64_t> version_in(std::string_view body) {
    constexpr std::string_view mark = "\"v\":";
    const auto at = body.find(mark);
    std::int64_t version = 0;
    if (at == body.npos) return std::nullopt;
    const auto from = body.data() + at + mark.size();
    if (std::from_chars(from, body.data() + body.size(), version).ec != std::errc{}) return std::nullopt;
    return version;
}

RaceRead::How how_served(std::string_view cache_status) {
    if (cache_status.find("detail=stale") != cache_status.npos) return RaceRead::How::stale;
    if (cache_status.find("detail=l1") != cache_status.npos) return RaceRead::How::level_one;
    return cache_status.find("detail=l2") != cache_status.npos ? RaceRead::How::level_two : RaceRead::How::loaded;
}

/// Of a log's line, such as 2026-01-31T12:00:00.000000Z, by the monotonic clock.
TimePoint moment_of(const std::string& text) {
    std::tm utc{};
    const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    if (rest == nullptr) throw std::runtime_error{"not a time: " + text};
    const auto wall = std::chrono::system_clock::from_time_t(::timegm(&utc)) +
                      std::chrono::microseconds{static_cast<std::int64_t>(std::stod("0" + std::string{rest}) * 1e6)};
    return Clock::now() + (wall - std::chrono::system_clock::now());
}

/// When the instance says that its polls failed, a little more at both ends for the two clocks.
std::vector<FailingPolls> failing_polls(const std::string& log) {
    constexpr auto inexact = 50ms;
    std::vector<FailingPolls> times;
    std::istringstream lines{log};
    for (std::string line; std::getline(lines, line);) {
        const auto entry = nlohmann::json::parse(line, nullptr, false);
        if (!entry.is_object()) continue;
        const auto event = entry.value("event", "");
        if (event == "polls_fail") times.push_back({moment_of(entry.at("time")) - inexact, TimePoint::max()});
        if (event == "polls_answered" && !times.empty()) times.back().to = moment_of(entry.at("time")) + inexact;
    }
    return times;
}

}  // namespace

RaceWorld::RaceWorld(std::uint32_t seed, const std::string& planted) : seed_{seed} {
    make_tables();
    const auto config = directory_.write("api.yaml", config_text);
    Environment environment{{"RACE_PRIMARY", primary()},
                            {"RACE_REPLICA", PrivateStack::instance().env("SLUICE_PG_REPLICA_1")},
                            {"RACE_REDIS", redis_.url()},
                            {"SLUICE_PLANTED", planted}};
    const auto migrated = run_command({sluice_program(), "migrate", "--config", config.string()}, environment);
    if (migrated.exit_code != 0) throw std::runtime_error{"migrate failed: " + migrated.err};
    for (std::size_t i = 0; i < race_instances; ++i) {
        relays_[i] = std::make_unique<TcpRelay>(port_of(primary()));
        environment["RACE_PRIMARY"] = with_port(primary(), relays_[i]->port());
        instances_[i] = std::make_unique<Instance>(config, environment, planted.empty() ? "" : SLUICE_FRESHNESS_DRIVER);
    }
    for (std::size_t i = 0; i < race_instances; ++i) {
        for (int n = 0; n < 2; ++n) start(&RaceWorld::read, i);
        start(&RaceWorld::read_bulk, i);
        start(&RaceWorld::write_noted, i);
    }
    start(&RaceWorld::write_tracked, 0);
    for (std::uint32_t row = 0; row < race_rows.size(); ++row) {
        if (race_rows[row].kind == RaceRow::Kind::slow) start(&RaceWorld::write_slowly, row);
    }
    start(&RaceWorld::write_all, 0);
}

RaceWorld::~RaceWorld() {
    for (auto& client : clients_) client.request_stop();
    clients_.clear();
}

void RaceWorld::make_tables() {
    Direct{primary()}.run(
        "drop table if exists noted, tracked, bulk;"
        "create table noted (id int primary key, v bigint not null);"
        "create table tracked (id int primary key, v bigint not null);"
        "create table bulk (id int primary key, v bigint not null);"
        "insert into noted select i, 0 from generate_series(1, 4) i;"
        "insert into tracked select i, 0 from generate_series(1, 6) i;"
        "insert into bulk select i, 0 from generate_series(1, 1200) i");
}

void RaceWorld::start(Work work, std::size_t argument) {
    const auto seed = seed_ + static_cast<std::uint32_t>(clients_.size()) + 1;
    clients_.emplace_back([this, work, argument, seed](const std::stop_token& stop) {
        Random random{seed};
        while (!stop.stop_requested()) {
            try {
                (this->*work)(stop, random, argument);
            } catch (const std::exception& error) {
                complain(error.what());
            }
        }
    });
}

void RaceWorld::read(const std::stop_token& stop, Random& random, std::size_t instance) {
    read_rows(stop, random, instance, 0, first_bulk - 1);
}

// By themselves: a standby that stops in the middle of a TRUNCATE lets nobody read the table.
void RaceWorld::read_bulk(const std::stop_token& stop, Random& random, std::size_t instance) {
    read_rows(stop, random, instance, first_bulk, race_rows.size() - 1);
}

void RaceWorld::read_rows(const std::stop_token& stop, Random& random, std::size_t instance, std::uint32_t from,
                          std::uint32_t to) {
    HttpClient client{instances_[instance]->port()};
    while (!stop.stop_requested()) {
        RaceRead read;
        read.row = std::uniform_int_distribution<std::uint32_t>{from, to}(random);
        read.instance = static_cast<std::uint8_t>(instance);
        const auto& row = race_rows.at(read.row);
        const auto target = "/" + std::string{row.table} + "/" + std::to_string(row.id);
        read.sent = Clock::now();
        const auto answer = client.request("GET", target);
        read.received = Clock::now();
        const auto version = version_in(answer.body);
        if (answer.status == 404 || (answer.status == 200 && version)) {
            read.version = version.value_or(-1);
            read.how = how_served(answer.header("Cache-Status").value_or(""));
            history_.add(read);
        } else {
            ++refused_;
        }
        std::this_thread::sleep_for(300us);  // leaves the machine's cores to the servers
    }
}

void RaceWorld::write_noted(const std::stop_token& stop, Random& random, std::size_t instance) {
    HttpClient client{instances_[instance]->port()};
    while (!stop.stop_requested()) {
        RaceWrite write;
        write.row = std::uniform_int_distribution<std::uint32_t>{0, 3}(random);
        const auto answer = client.request("POST", "/noted/" + std::to_string(race_rows.at(write.row).id));
        write.answered = Clock::now();
        const auto version = version_in(answer.body);
        if (version) {
            write.version = *version;
            history_.add(write);
        } else {
            ++refused_;
        }
        pause(random, 10, 80);
    }
}

void RaceWorld::write_tracked(const std::stop_token& stop, Random& random, std::size_t) {
    Direct database{primary()};
    database.run("set synchronous_commit = off");  // others see it before it is written to the log's file
    while (!stop.stop_requested()) {
        RaceWrite write;
        write.row = std::uniform_int_distribution<std::uint32_t>{4, 6}(random);
        const auto id = std::to_string(race_rows.at(write.row).id);
        write.version = database.run("update tracked set v = v + 1 where id = " + id + " returning v::text").value();
        write.answered = Clock::now();
        history_.add(write);
        pause(random, 10, 60);
    }
}

// Its transaction id is old by the time it commits: others have come and gone.
void RaceWorld::write_slowly(const std::stop_token& stop, Random& random, std::size_t row) {
    Direct database{primary()};
    while (!stop.stop_requested()) {
        RaceWrite write;
        write.row = static_cast<std::uint32_t>(row);
        const auto id = std::to_string(race_rows.at(row).id);
        database.run("begin; select pg_current_xact_id()::text");
        pause(random, 0, 400);
        write.version = database.run("update tracked set v = v + 1 where id = " + id + " returning v::text").value();
        pause(random, 0, 400);
        database.run("commit");
        write.answered = Clock::now();
        history_.add(write);
        pause(random, 0, 200);
    }
}

void RaceWorld::write_all(const std::stop_token& stop, Random& random, std::size_t) {
    Direct database{primary()};
    while (!stop.stop_requested()) {
        const bool truncates = random() % 2 == 0;
        const std::string change = truncates ? "create temp table kept on commit drop as select id, v + 1 as v from bulk;"
                                               " truncate bulk; insert into bulk select id, v from kept;"
                                             : "update bulk set v = v + 1;";
        const auto version = database.run(change + " select v::text from bulk where id = 1").value();
        const auto answered = Clock::now();
        for (std::uint32_t row = first_bulk; row < race_rows.size(); ++row) history_.add(RaceWrite{row, version, answered});
        pause(random, 100, 400);
    }
}

RaceFindings RaceWorld::check() const {
    RaceBounds bounds;
    for (std::size_t i = 0; i < race_instances; ++i) bounds.failing.at(i) = failing_polls(instances_.at(i)->log());
    return history_.check(bounds);
}

void RaceWorld::complain(const std::string& what) {
    const std::lock_guard lock{trouble_mutex_};
    trouble_ = what;
}

std::string RaceWorld::trouble() const {
    const std::lock_guard lock{trouble_mutex_};
    return trouble_;
}

}  // namespace sluice::test
