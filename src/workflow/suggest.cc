#include "workflow/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>

#include "text/edit_distance.h"

namespace sotto {

namespace {

// Slips of the keyboard between two names.
size_t Slips(std::string_view a, std::string_view b) {
  return EditDistance(a, b, Edits::kSwaps, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

}  // namespace

std::string ClosestName(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::string::npos;
  for (const std::string& candidate : candidates) {
    size_t distance = Slips(name, candidate);
    const size_t limit = (std::max(name.size(), candidate.size()) + 2) / 3;
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
