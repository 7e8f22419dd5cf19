#include "admin/health.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::admin {

Handler Health::live() const {
    return [this](Exchange&) -> awaitable<Response> {
        const bool alive = turning_();
        auto response = Response::json(alive ? 200 : 503, alive ? R"({"status":"ok"})" : R"({"status":"stuck"})");
        response.headers.add("Cache-Control", "no-store");
        co_return response;
    };
}

Handler Health::ready() const {
    return [this](Exchange&) -> awaitable<Response> {
        nlohmann::ordered_json document{{"status", "ok"}, {"degraded", nlohmann::json::array()}};
        auto& states = document["dependencies"] = nlohmann::ordered_json::object();
        for (const auto& dependency : dependencies_()) {
            states[dependency.name] = dependency.state;
            if (!dependency.healthy) document["degraded"].push_back(dependency.name);
        }
        if (!document["degraded"].empty()) document["status"] = "degraded";
        const auto phase = phase_.load(std::memory_order_relaxed);
        if (phase == Phase::starting) document["status"] = "starting";
        if (phase == Phase::draining) document["status"] = "draining";
        auto response = Response::json(phase == Phase::serving ? 200 : 503, document.dump());
        response.headers.add("Cache-Control", "no-store");
        co_return response;
    };
}

}  // namespace sluice::admin
