// A certificate of the test's own, which is an authority for itself.
#pragma once

#include <string>

namespace sluice::test {

/// A key and a certificate for it, signed by itself, valid for an hour. Both as PEM.
struct Certificate {
    /// `names` as in subjectAltName, e.g. `DNS:localhost,IP:127.0.0.1`.
    explicit Certificate(const char* names);

    std::string certificate;
    std::string key;
};

}  // namespace sluice::test
