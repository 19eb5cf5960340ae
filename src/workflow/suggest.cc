#include "workflow/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>

namespace sotto {

int EditDistance(std::string_view a, std::string_view b) {
  const size_t rows = a.size() + 1;
  const size_t columns = b.size() + 1;
  std::vector<int> d(rows * columns);
  const auto at = [&](size_t i, size_t j) -> int& { return d[i * columns + j]; };
  const auto same = [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  };
  for (size_t i = 0; i < rows; ++i) at(i, 0) = static_cast<int>(i);
  for (size_t j = 0; j < columns; ++j) at(0, j) = static_cast<int>(j);
  for (size_t i = 1; i < rows; ++i) {
    for (size_t j = 1; j < columns; ++j) {
      const int change = same(a[i - 1], b[j - 1]) ? 0 : 1;
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
      }
    }
  }
  return at(a.size(), b.size());
}

std::string ClosestName(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  int best_distance = 1 << 20;
  for (const std::string& candidate : candidates) {
    int distance = EditDistance(name, candidate);
    const int limit = static_cast<int>(std::max(name.size(), candidate.size()) + 2) / 3;
    const bool prefix = name.size() >= 3 && (candidate.starts_with(name) || name.starts_with(candidate)) &&
                        candidate.size() >= 3;
    if (distance > limit && prefix) distance = limit;
    if (distance <= limit && distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string Suggestion(std::string_view name, const std::vector<std::string>& candidates) {
  if (candidates.empty()) return "";
  const std::string closest = ClosestName(name, candidates);
  if (!closest.empty()) return fmt::format("did you mean '{}'?", closest);
  return candidates.size() == 1 ? fmt::format("expected {}", candidates[0])
                                : fmt::format("one of {}", fmt::join(candidates, ", "));
}

}  // namespace sotto
