#pragma once
// A run's Result as a table for a person and as JSON for a program. The JSON's names are stable; times are
// microseconds, sizes bytes or KiB as their names say.

#include <string>

#include "bench/load/run.h"

namespace fairlead::bench {

std::string to_table(const Result& result);
std::string to_json(const Result& result);

}  // namespace fairlead::bench
