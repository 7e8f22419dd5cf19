// One request and its answer on a connection that is open. Hides how an answer is read: heads, interim answers, bodies.
#pragma once

#include "sluice/executor.hpp"
#include "sluice/ports/upstream.hpp"
#include "upstream/answer_head.hpp"
#include "upstream/line.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::upstream {

struct Conversation {
    /// What became of it, when it did not end with an answer.
    struct Failure {
        UpstreamError::Kind kind;
        std::string reason;
        bool answer_began = false;  ///< at least one byte of it came
    };
    /// How the line is to be treated after the answer.
    struct Ending {
        bool reusable = false;
        Duration patience = Duration::max();  ///< as the service says how long it keeps it
    };

    /// A head, as read and as it goes further.
    struct Head {
        AnswerHead read;
        UpstreamHead given;
    };
    /// The next head, which may be that of an interim answer. Its bytes are taken from the line. `began`: a byte of the
    /// answer came before; `doing`: what is going on, for the log.
    static awaitable<boost::system::result<Head, Failure>> next_head(Line& line, bool to_head, bool began,
                                                                     std::string_view doing);
    /// How the line is treated after that answer, if nothing else speaks against its use.
    static Ending ending_of(const Line& line, const AnswerHead& head);
    static Failure lost(const Line& line, const Line::Error& error, bool answer_began, std::string_view doing);
    static Failure not_http(std::string_view reason);
    static constexpr unsigned most_interim = 16;  ///< answers before the answer

    /// Writes the request and reads the whole answer. The line's own moment ends it. `ending` is set with an answer.
    static awaitable<boost::system::result<UpstreamAnswer, Failure>> hold(Line& line, std::string_view head,
                                                                          std::string_view body, bool to_head,
                                                                          std::size_t max_body, Ending& ending);
};

}  // namespace sluice::upstream
