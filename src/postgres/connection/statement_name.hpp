// What a prepared statement is called on a connection. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice::postgres {

/// A hash of the text and of the parameter types that are declared with it, so that one name never stands for two texts,
/// whoever else prepares statements on the connection. `owner` keeps apart what shares a text but not its fate; it may be
/// empty. `s_` and the first 128 bits of a SHA-256 in hexadecimal digits: a name that needs no quotes.
std::string statement_name(std::string_view text, std::span<const unsigned> types = {}, std::string_view owner = {});

}  // namespace sluice::postgres
