// What an operator means by a tag: text, while tags hold values spelled by their types. Pure but for the question it asks.
#pragma once

#include "endpoints/tag_types.hpp"
#include "sluice/settings.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

/// How PostgreSQL spells a text as a type, given as an oid, in a tag; nothing: it does not know.
using AskSpelling = std::function<std::optional<std::string>(const std::string& text, unsigned type)>;

/// The tags that `written` may stand for: itself, and for every tag template of a cached route that it fits, the template
/// with the values spelled as the route spells them. So `town:5.0` is also `town:5` where `{id}` is a number.
std::vector<std::string> meant_tags(const std::string& written, const Settings& settings, const endpoints::TagTypes& types,
                                    const AskSpelling& ask);

}  // namespace sluice::app
