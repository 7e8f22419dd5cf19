// Whether libpq could connect by a URL, found out before anybody tries. Hides libpq's own words, which quote the URL.
#pragma once

#include <string>

namespace sluice::postgres {

/// What is wrong with a URL or `key=value` words, to be read behind the key's name; empty: nothing. It repeats no part of
/// the text: a password with a character that is not encoded makes any part of it one of the password.
std::string complaint_about_url(const std::string& url);

}  // namespace sluice::postgres
