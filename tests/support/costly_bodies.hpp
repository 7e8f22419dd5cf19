// JSON bodies made to cost as much as they can, each with a schema that lets it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::test {

struct CostlyBody {
    std::string name;
    std::string schema;
    std::string bytes;
};

/// Of at most that many bytes each, and nearly as many.
std::vector<CostlyBody> costly_bodies(std::size_t size);

}  // namespace sluice::test
