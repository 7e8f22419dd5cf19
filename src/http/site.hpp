// What the sessions of a listener serve: a request's way, and what is the same for all. It never changes; another one takes
// its place, and it lives on until the exchanges that began with it are over.
#pragma once

#include "http/fixed_headers.hpp"
#include "http/pipeline.hpp"
#include "sluice/settings.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

namespace sluice::http {

struct Site {
    Pipeline pipeline;
    /// Time limits hold for each request; of what a connection was opened with, it keeps the sizes of its buffers, and the
    /// least rate.
    ServerSettings settings;
    FixedHeaders fixed;  ///< on every answer
    /// Counts a request that no step of the pipeline sees, by the peer's address and what has come of the head: nothing, or
    /// how long the client should wait. Any thread. Null: nobody counts them.
    std::function<std::optional<std::chrono::seconds>(std::string_view peer, std::string_view head)> count_refused;
};

}  // namespace sluice::http
