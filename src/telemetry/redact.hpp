// Keeps credentials out of the log where clients put them in the wrong place, such as the query string.
#pragma once

#include <string>
#include <string_view>

namespace sluice::log {

/// `text`, in which every API key (`slk_` and at least 16 of its digits) is `slk_[redacted]`, and every JSON Web Token in
/// compact form (`eyJ…`, with a dot) is `[redacted]`. The copy is made in `buffer`, and only if there is one.
std::string_view without_credentials(std::string_view text, std::string& buffer);

}  // namespace sluice::log
