#include "support/run.hpp"
