// Looks the names of a service's endpoints up, again and again, on a thread of its own: a name server that hangs holds up no
// loop and no stop.
#pragma once

#include "sluice/deadline.hpp"
#include "upstream/address_book.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::upstream {

class NameLookup {
public:
    struct Name {
        std::string host;  ///< a name or an address
        std::string port;
    };
    /// Told on the thread: the addresses of a name, or why there are none.
    struct Events {
        std::function<void(std::size_t name, AddressBook::Addresses addresses)> found;
        std::function<void(std::size_t name, const std::string& problem)> failed;
    };

    NameLookup(std::vector<Name> names, Duration interval, Events events);
    /// Stops first if needed.
    ~NameLookup();
    NameLookup(const NameLookup&) = delete;
    NameLookup& operator=(const NameLookup&) = delete;

    /// Addresses are told at once; a thread is made only if there is a name among them.
    void start();
    /// Until every name has been looked up once, or the deadline passes.
    void wait_for_first(Deadline deadline) const;
    /// After it nothing is told. A look that hangs ends by itself, later.
    void stop();

private:
    struct State;
    const std::shared_ptr<State> state_;
};

}  // namespace sluice::upstream
