// What a request asks of a route, checked and as text: its parameters, its body's members, and who asks. The same for every
// kind of route. Hides the order of the values, and how large bodies are read.
#pragma once

#include "endpoints/in_flight.hpp"
#include "endpoints/json_body.hpp"
#include "endpoints/parameters.hpp"
#include "runtime/blocking_lane.hpp"
#include "sluice/exchange.hpp"
#include "sluice/executor.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::endpoints {

class RequestValues {
public:
    using Values = std::vector<std::optional<std::string>>;

    struct Limits {
        std::size_t body = 1024 * 1024;         ///< bytes, where the route says nothing
        runtime::BlockingLane* lane = nullptr;  ///< reads large bodies; null only for a route without one
    };
    /// `path_names`: the template's parameters in its order. Throws std::invalid_argument for a body without a lane, and as
    /// Parameters and JsonBody do.
    RequestValues(const RouteSettings& route, std::vector<std::string> path_names, Limits limits,
                  std::shared_ptr<const InFlight> in_flight);

    /// What the values are called, in their order: parameters, members of the body, reserved names.
    const std::vector<std::string>& names() const noexcept { return names_; }
    const Parameters& parameters() const noexcept { return parameters_; }
    runtime::BlockingLane* lane() const noexcept { return limits_.lane; }

    /// Values of path, query and header, and of the caller. What is wrong with them is added to `errors`; the problem: they
    /// could not be looked at.
    awaitable<std::optional<Problem>> bind_parameters(const Exchange& exchange, Values& values,
                                                      std::vector<InputError>& errors) const;
    /// The same where it takes no time. False: it may; nothing was done.
    bool bind_at_once(const Exchange& exchange, Values& values, std::vector<InputError>& errors) const;

    /// The body's members, if the route has a body. `held`: the memory that it takes. Or why it is refused.
    awaitable<std::optional<Response>> bind_body(Exchange& exchange, Values& values, InFlight::Held& held) const;

    /// All of it. Or why the request is refused.
    awaitable<std::variant<Values, Response>> bind(Exchange& exchange, InFlight::Held& held) const;

    /// The body as it came; nothing if there was none.
    const std::optional<std::string>& body_of(const Values& values) const;

private:
    std::vector<std::string> names_;
    const Parameters parameters_;
    std::shared_ptr<const JsonBody> body_;
    const std::optional<std::size_t> own_body_limit_;
    const Limits limits_;
    const std::shared_ptr<const InFlight> in_flight_;
};

/// A value that a route's requests have.
struct NamedValue {
    std::string name;
    ParameterType type = ParameterType::string;
};
/// In their order.
std::vector<NamedValue> values_of(const RouteSettings& route);

}  // namespace sluice::endpoints
