#include "admin/metrics.hpp"

namespace sluice::admin {

Handler metrics_handler(const telemetry::Metrics& metrics, std::function<void()> refresh) {
    return [&metrics, refresh = std::move(refresh)](Exchange&) -> awaitable<Response> {
        refresh();
        Response response;
        response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
        response.body = metrics.render();
        co_return response;
    };
}

}  // namespace sluice::admin
