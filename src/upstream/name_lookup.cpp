#include "upstream/name_lookup.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace sluice::upstream {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// After a failure it is looked up again soon, whatever the interval.
constexpr Duration soon = std::chrono::seconds{1};

std::optional<AddressBook::Address> literal(const NameLookup::Name& name) {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(name.host, error);
    if (error) return std::nullopt;
    return AddressBook::Address{address, static_cast<std::uint16_t>(std::stoul(name.port))};
}

}  // namespace

/// What the thread uses; it may outlive the rest, inside of the name service.
struct NameLookup::State : std::enable_shared_from_this<State> {
    std::vector<Name> names;
    Duration interval{};
    Events events;
    std::mutex mutex;  // guards what follows, and is held while something is told
    std::condition_variable changed;
    bool looked = false;
    bool stopped = false;

    void run() {
        for (;;) {
            bool failed = false;
            for (std::size_t i = 0; i < names.size(); ++i) failed = !look(i) || failed;
            std::unique_lock lock{mutex};
            looked = true;
            changed.notify_all();
            changed.wait_for(lock, failed ? std::min(soon, interval) : interval, [this] { return stopped; });
            if (stopped) return;
        }
    }

    bool look(std::size_t index) {
        if (literal(names[index])) return true;
        asio::io_context context;
        tcp::resolver resolver{context};
        boost::system::error_code error;
        const auto results = resolver.resolve(names[index].host, names[index].port, error);
        AddressBook::Addresses addresses;
        for (const auto& one : results) {
            if (std::find(addresses.begin(), addresses.end(), one.endpoint()) == addresses.end())
                addresses.push_back(one.endpoint());
        }
        const std::lock_guard lock{mutex};
        if (stopped) return true;
        if (addresses.empty()) {
            events.failed(index, error ? error.message() : "no address");
            return false;
        }
        events.found(index, std::move(addresses));
        return true;
    }
};

NameLookup::NameLookup(std::vector<Name> names, Duration interval, Events events) : state_{std::make_shared<State>()} {
    state_->names = std::move(names);
    state_->interval = interval;
    state_->events = std::move(events);
}

NameLookup::~NameLookup() { stop(); }

void NameLookup::start() {
    bool has_names = false;
    for (std::size_t i = 0; i < state_->names.size(); ++i) {
        if (const auto address = literal(state_->names[i]))
            state_->events.found(i, {*address});
        else
            has_names = true;
    }
    if (!has_names) {
        state_->looked = true;
        return;
    }
    // Detached, since nothing ends getaddrinfo: what it uses is its own.
    std::thread{[state = state_] { state->run(); }}.detach();
}

void NameLookup::wait_for_first(Deadline deadline) const {
    std::unique_lock lock{state_->mutex};
    state_->changed.wait_until(lock, deadline.time(), [this] { return state_->looked; });
}

void NameLookup::stop() {
    const std::lock_guard lock{state_->mutex};
    state_->stopped = true;
    state_->changed.notify_all();
}

}  // namespace sluice::upstream
