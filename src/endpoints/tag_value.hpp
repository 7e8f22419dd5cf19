// How a value is spelled in a tag, by its type: as `sluice.tag_value` in PostgreSQL spells it. Pure.
#pragma once

#include "postgres/connection/parameter_types.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::endpoints {

/// The spelling of a text that PostgreSQL reads as a value so spelled; nothing: PostgreSQL must be asked, or the text is no
/// such value.
std::optional<std::string> spell(postgres::Spelling spelling, std::string_view text);

/// A JSON value as PostgreSQL renders it in a row, where no more is known of its type; nothing: it is null. `raw`: as it
/// stands in the document.
std::optional<std::string> spell_json(std::string_view raw);

}  // namespace sluice::endpoints
