// A cached route's way, whatever it loads from: the key, a copy in the process at once, else the load, and the answer that a
// value is to this request.
#pragma once

#include "cache/two_level_cache.hpp"
#include "endpoints/cache_headers.hpp"
#include "endpoints/in_flight.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/settings.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::endpoints {

/// What a cached route loads from. Lives as long as its endpoint.
class CachedSource {
public:
    using After = std::optional<HistoryPosition>;

    /// What one request asks for.
    struct Asked {
        std::vector<std::string> tags;
        /// Its tags are not known: no copy can be known to be fresh, so none is kept. One may stand in.
        bool untagged = false;
        cache::Loader load;  ///< owns all it uses
    };

    virtual ~CachedSource() = default;
    /// Or why the request is refused.
    virtual awaitable<std::variant<Asked, Response>> ask(Exchange& exchange, const After& after) const = 0;
    /// The answer where the cache itself gave up.
    virtual Response given_up(const Exchange& exchange, const cache::Failure& failure) const = 0;
    /// What answers in place of the source, which has failed. Nothing: nothing does.
    virtual awaitable<std::optional<Response>> fall_back(Exchange& exchange) const = 0;
    /// Adds the fields that are this request's alone.
    virtual void add_to(Response& response, const Exchange& exchange, std::string_view body) const = 0;
};

class CachedAnswer {
public:
    using After = CachedSource::After;

    struct Settings {
        std::string route;  ///< for the log, e.g. `GET /v1/cities/{id}`
        CacheRule rule;
        std::string key_prefix;  ///< see `endpoints::key_prefix`
        bool by_claims = false;  ///< see `append_variant`
        bool envelope = true;    ///< whether its bodies are `{"data":…}`, where a stale one can say that it is
        std::size_t compress_from = 1024;
        Duration patience{0};                         ///< how long a load may take, whoever waits for it
        const cache::Coherence* coherence = nullptr;  ///< what Age counts from; null: each from its load
    };
    /// All but `settings` outlive it.
    CachedAnswer(Settings settings, cache::TwoLevelCache& cache, const CachedSource& source,
                 std::shared_ptr<const InFlight> in_flight);

    /// A fresh copy in the process is answered at once. `after`: what the answer must contain.
    Outcome handle(Exchange& exchange, const After& after) const;

private:
    using Look = cache::Coherence::Look;
    using How = cache::Answer::How;

    awaitable<Response> loaded(Exchange& exchange, std::string key, std::string path, After after) const;
    awaitable<Response> refreshed(Exchange& exchange, std::string key, std::string path, cache::ValuePointer value) const;
    Outcome answer(Exchange& exchange, std::string_view key, cache::ValuePointer value, How how, const Look& look) const;
    awaitable<Response> answer_coded(Exchange& exchange, std::string key, cache::ValuePointer value, Coding coding,
                                     How how) const;
    awaitable<Response> answer_stale(const Exchange& exchange, cache::ValuePointer value, Coding coding) const;
    Response answer_in(const Exchange& exchange, const cache::ValuePointer& value, const Coding& coding, How how,
                       const Look& look) const;
    Response absent(const Exchange& exchange, const cache::Answer& answer) const;
    cache::Wanted wanted(std::string key, std::string path, CachedSource::Asked asked, After after) const;

    const Settings settings_;
    cache::TwoLevelCache& cache_;
    const CachedSource& source_;
    const std::shared_ptr<const InFlight> in_flight_;
    const RouteHeaders headers_;
};

}  // namespace sluice::endpoints
