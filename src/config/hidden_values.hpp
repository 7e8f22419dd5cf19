// Which values of the file may be secrets: whatever a person mistakes, no message repeats one.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"

#include <string>
#include <string_view>

namespace sluice::config {

/// Marks as hidden, in the main file's tree with its variables filled in: all of `postgres`, `redis` and `auth` but the few
/// values that are none (such as `pool`), `server.admin_token`, what came from the environment, and what looks like an
/// address with a password, a key or a token, wherever it stands. `mistakes` leaves their texts out of every message.
void hide_values(Node& root, Mistakes& mistakes);

/// Whether all below this top-level key is hidden.
bool holds_secrets(std::string_view top_level_key) noexcept;

/// How messages speak of a key that nobody knows, or that is there twice: `'name'`, or that it is not shown. A secret in its
/// place is no plain word, or has run into the key before it (`admin_token:abc`, where YAML wants a blank).
std::string quoted_key(std::string_view name, bool among_secrets);

}  // namespace sluice::config
