// Of figures a benchmark collects.
#pragma once

#include <vector>

namespace sotto {

// The value that a `share` (0..1) of `values`, in any order, lies below; 0 where there are none.
double Percentile(std::vector<double> values, double share);

}  // namespace sotto
