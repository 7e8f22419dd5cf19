// Which pages of other origins may use the API: the CORS protocol of the Fetch standard, as it is configured.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace sluice {

struct CorsSettings {
    /// Origins such as `https://app.example.com`, `https://*.example.com` (`*` is one label), or `*` alone for all.
    std::vector<std::string> origins;
    std::vector<std::string> methods;  ///< what pages may use; empty: what the path's routes have
    /// Request header fields that pages may send beside those that every page may.
    std::vector<std::string> headers = default_headers();
    std::vector<std::string> expose = default_exposed();  ///< response header fields that pages may read
    bool credentials = false;                             ///< whether cookies may come along; not with origin `*`
    std::chrono::seconds max_age{600};                    ///< how long a browser may remember a preflight's answer

    static std::vector<std::string> default_headers();
    static std::vector<std::string> default_exposed();
};

}  // namespace sluice
