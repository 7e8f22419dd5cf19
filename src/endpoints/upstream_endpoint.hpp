// A route that an HTTP service answers: what is asked checked, the call made, what it picks answered, through the cache
// where the route says so, and by its fallbacks while the service fails.
#pragma once

#include "endpoints/answer_fields.hpp"
#include "endpoints/cached_answer.hpp"
#include "endpoints/fallbacks.hpp"
#include "endpoints/in_flight.hpp"
#include "endpoints/request_values.hpp"
#include "endpoints/route_tags.hpp"
#include "endpoints/upstream_source.hpp"
#include "sluice/exchange.hpp"
#include "sluice/ports/upstream.hpp"
#include "sluice/settings.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::endpoints {

class UpstreamEndpoint final : private CachedSource {
public:
    struct Defaults {
        std::chrono::milliseconds request_timeout{15'000};
        std::size_t body_limit = 1024 * 1024;
        std::size_t compress_from = 1024;             ///< bytes of an answer
        runtime::BlockingLane* body_lane = nullptr;   ///< reads large bodies and answers
        const cache::Coherence* coherence = nullptr;  ///< of the cache; null: Age counts from each load
        std::size_t max_answer = 8 * 1024 * 1024;
        runtime::MemoryBudget* memory = nullptr;
        telemetry::Metrics* metrics = nullptr;
        Database* database = nullptr;  ///< of fallbacks
        std::vector<std::string> key_secrets;
    };
    /// `path_names`: the template's parameters in its order. Throws std::invalid_argument if there is no such service, or
    /// the call names what is no value.
    UpstreamEndpoint(RouteSettings route, std::vector<std::string> path_names, sluice::Upstreams& upstreams,
                     cache::TwoLevelCache& cache, const Defaults& defaults);

    Outcome handle(Exchange& exchange) const;

private:
    using Values = RequestValues::Values;

    /// All that a load for the cache uses.
    struct Loading {
        std::shared_ptr<const UpstreamSource> source;
        std::shared_ptr<const AnswerFields> fields;
        UpstreamRequest request;
        Values values;
        Executor executor;
        const cache::Coherence* coherence;
    };
    static awaitable<cache::LoadResult> load(Loading loading, Deadline deadline);

    awaitable<std::variant<Asked, Response>> ask(Exchange& exchange, const After& after) const override;
    Response given_up(const Exchange& exchange, const cache::Failure& failure) const override;
    void add_to(Response& response, const Exchange& exchange, std::string_view body) const override;
    awaitable<std::optional<Response>> fall_back(Exchange& exchange) const override;
    awaitable<Response> answer(Exchange& exchange) const;
    awaitable<Response> answer_loaded(const Exchange& exchange, cache::Loaded loaded, Values values) const;

    const RouteSettings route_;
    const Defaults defaults_;
    const std::shared_ptr<const InFlight> in_flight_;
    const RequestValues requests_;
    const std::shared_ptr<const UpstreamSource> source_;
    const std::shared_ptr<const AnswerFields> fields_;
    const RouteTags tags_;
    const Fallbacks fallbacks_;
    std::optional<CachedAnswer> cached_;
};

}  // namespace sluice::endpoints
