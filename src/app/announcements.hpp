// What the instances of a deployment tell each other over Redis. A message may be lost: it only makes the others look sooner
// than their next poll.
#pragma once

#include "policy/changes.hpp"
#include "redis/client.hpp"
#include "redis/publisher.hpp"
#include "redis/subscriber.hpp"
#include "runtime/event_loops.hpp"
#include "sluice/settings.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app {

/// What an instance hears.
struct Announcement {
    bool poll = false;  ///< there is something new in the database
    /// An operator's purge, or, where no database keeps invalidations, an invalidation itself.
    std::optional<policy::Invalidation> invalidation = {};
    std::uint64_t history = 0;  ///< that a purge's transaction belongs to; 0: it is not known
};

/// Nothing: no message of ours. `poll` · `tag NAME` · `glob NAME` · `purge KIND HISTORY XID NAME`, the last of which older
/// instances do not know.
std::optional<Announcement> parse_announcement(std::string_view message);
std::string purge_announcement(const policy::Invalidation& purge, std::uint64_t history);

class Announcements {
public:
    struct Events {
        std::function<void(const Announcement&)> heard;  ///< on the background loop
        std::function<void()> missed;                    ///< what was said meanwhile is lost
    };

    /// `client` outlives it. `listen`: from the start, as the names in Redis do not depend on a database.
    Announcements(runtime::EventLoops& loops, const RedisSettings& settings, redis::Client& client, bool listen,
                  Events events);

    void start() { subscriber_.start(); }
    void stop() { subscriber_.stop(); }
    /// The names in Redis have changed, or the server has.
    void listen_again() { subscriber_.listen(channel()); }
    void reconnect() { subscriber_.reconnect(); }

    /// To the other instances; lost while the channel is not known or Redis is away.
    void publish(std::string_view message);
    /// `coherent`: the database keeps invalidations, so that a poll finds them; else they are said themselves.
    void announce(const std::vector<policy::Invalidation>& invalidations, bool coherent);

private:
    /// Of the deployment's instances; empty while its name is not known.
    std::string channel() const;

    redis::Client& client_;
    redis::Publisher publisher_;
    redis::Subscriber subscriber_;
};

}  // namespace sluice::app
