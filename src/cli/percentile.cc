#include "cli/percentile.h"

#include <algorithm>

namespace sotto {

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

Json Percentiles(const std::vector<double>& values) {
  return {{"p50", Percentile(values, 0.5)},  {"p95", Percentile(values, 0.95)},
          {"p99", Percentile(values, 0.99)}, {"p99_9", Percentile(values, 0.999)},
          {"max", Percentile(values, 1)},    {"n", values.size()}};
}

}  // namespace sotto
