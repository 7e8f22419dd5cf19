#include "telemetry/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::telemetry {

using ::testing::HasSubstr;

TEST(Metrics, RendersWhatWasCounted) {
    Metrics metrics;
    metrics.http_requests("/v1/cities/{id}", "GET", 200).add();
    metrics.http_requests("/v1/cities/{id}", "GET", 200).add();
    metrics.http_request_duration("/v1/cities/{id}", "GET").observe(0.003);
    metrics.breaker_state("primary").set(1);
    metrics.loop_lag_seconds().observe(0.03);
    const auto text = metrics.render();
    EXPECT_THAT(text, HasSubstr(R"(sluice_http_requests_total{code="200",method="GET",route="/v1/cities/{id}"} 2)"));
    EXPECT_THAT(
        text,
        HasSubstr(R"(sluice_http_request_duration_seconds_bucket{method="GET",route="/v1/cities/{id}",le="0.005"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(sluice_breaker_state{dependency="primary"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(sluice_loop_lag_seconds_bucket{le="0.02"} 0)"));
    EXPECT_THAT(text, HasSubstr(R"(sluice_loop_lag_seconds_bucket{le="0.05"} 1)"));
    EXPECT_THAT(text, HasSubstr("sluice_build_info{version="));
    EXPECT_THAT(text, HasSubstr("process_resident_memory_bytes "));
    EXPECT_THAT(text, HasSubstr("process_open_fds "));
}

TEST(Metrics, ADefaultHandleCountsIntoNothing) {
    const Counter counter;
    counter.add();
    const Gauge gauge;
    gauge.set(1);
    const Histogram histogram;
    histogram.observe(1);
}

}  // namespace sluice::telemetry
