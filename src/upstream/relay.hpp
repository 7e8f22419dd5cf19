// One request and its answer on a connection that is open, both passed on as they come and at once: a service may answer
// before it has the whole body, and stop reading it.
#pragma once

#include "sluice/executor.hpp"
#include "sluice/ports/upstream.hpp"
#include "upstream/conversation.hpp"
#include "upstream/line.hpp"

#include <string_view>

namespace sluice::upstream {

/// Both ends of what passes, and how far it got.
struct Streams {
    UpstreamBodySource* source = nullptr;  ///< null: the request's body is held whole
    UpstreamAnswerSink& sink;
    bool source_asked = false;  ///< what it gave cannot be had again
};

struct RelayRequest {
    std::string_view head;
    std::string_view body;  ///< if there is no source
    bool to_head = false;
    bool expects_continue = false;
    Duration patience;  ///< without any progress of the service
    Deadline head_by;
};

/// The answer's head, once the sink has all of its body. What source and sink throw comes out of here.
awaitable<boost::system::result<UpstreamHead, Conversation::Failure>> relay(Line& line, RelayRequest request,
                                                                            Streams& streams, Conversation::Ending& ending);

}  // namespace sluice::upstream
