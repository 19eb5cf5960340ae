// Of figures a benchmark collects.
#pragma once

#include <vector>

#include "core/json.h"

namespace sotto {

// The value that a `share` (0..1) of `values`, in any order, lies below; 0 where there are none.
double Percentile(std::vector<double> values, double share);
// {"p50", "p95", "p99", "p99_9", "max", "n"}
Json Percentiles(const std::vector<double>& values);

}  // namespace sotto
