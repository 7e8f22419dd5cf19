// What a request head must look like before anything else reads it. Pure: bytes in, a verdict out.
// Refuses every shape in which two HTTP implementations could disagree about where a request ends (RFC 9112 section 11.2).
#pragma once

#include "sluice/request.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>

namespace sluice::http {

struct HeadLimits {
    std::size_t header = 32 * 1024;  ///< bytes of the whole head (431)
    std::size_t target = 8 * 1024;   ///< bytes of the target (414)
};

/// The end of the head has not come yet, and nothing so far is wrong.
struct Incomplete {};

/// A well-formed head, with views into the scanned bytes.
struct Head {
    std::size_t begin = 0;  ///< of the request line: empty lines before it are skipped (RFC 9112 section 2.2)
    std::size_t end = 0;    ///< one past the empty line
    Method method = Method::get;
    int version = 11;  ///< 10 or 11
    std::string_view target;
    std::string_view raw_path;   ///< `*` for OPTIONS alone; of an absolute-form target only its path
    std::string_view raw_query;  ///< behind `?`
    std::size_t field_count = 0;
    std::optional<std::size_t> content_length;
    bool chunked = false;
    bool keep_alive = true;         ///< as version and `Connection` say
    bool expects_continue = false;  ///< `Expect: 100-continue`, in 1.1
};

/// The connection is answered with this and closed: where the next request begins is not known.
struct Refusal {
    unsigned status = 400;
    std::string_view detail;  ///< a static sentence
};

using HeadScan = std::variant<Incomplete, Head, Refusal>;

/// Looks at everything received so far; call it again with more bytes after Incomplete.
HeadScan scan_head(std::string_view bytes, const HeadLimits& limits) noexcept;

}  // namespace sluice::http
