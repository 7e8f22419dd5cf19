// The admin API: what an operator asks of a running instance. Guarded by a bearer token.
#pragma once

#include "sluice/handler.hpp"

#include <functional>
#include <string>

namespace sluice::admin {

/// What to forget.
struct Purge {
    enum class Kind {
        tag,      // every answer with this tag
        pattern,  // every answer whose `path?sorted-query` matches the glob
        all,      // every answer; there is no name
    };
    Kind kind = Kind::tag;
    std::string name;
};

/// Forgets here and where it can be told, and records it so that it reaches every instance; blocks nothing. False: it could
/// not be recorded, try again.
using PurgeFunction = std::function<awaitable<bool>(Executor, Purge, Deadline)>;

/// `POST /admin/purge` with `{"tag": …}`, `{"pattern": …}` or `{"all": true}`. Wraps nothing else: the token is checked by
/// `guarded`.
Handler purge_handler(PurgeFunction purge);

/// Answers 401 unless the request carries `Authorization: Bearer <token>`, compared in constant time; 404 when the token is
/// empty: the admin API is off. More than one `Authorization` field is none. With BodyUse::none a body is read to its end
/// and dropped before the handler runs, so that none runs for one that is cut off or badly framed.
Handler guarded(std::string token, Handler handler, BodyUse body = BodyUse::handler);

}  // namespace sluice::admin
