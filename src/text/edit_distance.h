// How far one sequence is from another: letters of words, words of sentences. Edits insert, delete or replace
// one element; with kSwaps, to exchange two neighbours is one edit too (Damerau 1964, without edits inside of
// what was exchanged). O(a x b) in time and memory; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace sotto {

enum class Edits { kPlain, kSwaps };

// Of every beginning of `a` to every beginning of `b`: row-major, [a.size() + 1][b.size() + 1].
template <typename Sequence, typename Same = std::equal_to<>>
std::vector<size_t> EditTable(const Sequence& a, const Sequence& b, Edits edits = Edits::kPlain,
                              Same same = {}) {
  const size_t width = b.size() + 1;
  std::vector<size_t> cost((a.size() + 1) * width);
  for (size_t j = 0; j <= b.size(); ++j) cost[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    cost[i * width] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t& here = cost[i * width + j];
      here = std::min({cost[(i - 1) * width + j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1),
                       cost[(i - 1) * width + j] + 1, cost[i * width + j - 1] + 1});
      if (edits == Edits::kSwaps && i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        here = std::min(here, cost[(i - 2) * width + j - 2] + 1);
      }
    }
  }
  return cost;
}

template <typename Sequence, typename Same = std::equal_to<>>
size_t EditDistance(const Sequence& a, const Sequence& b, Edits edits = Edits::kPlain, Same same = {}) {
  return EditTable(a, b, edits, same).back();
}

// At most `limit` apart: what differs by more in length alone is not looked at.
template <typename Sequence>
bool WithinEdits(const Sequence& a, const Sequence& b, size_t limit, Edits edits = Edits::kPlain) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit) return false;
  return EditDistance(a, b, edits) <= limit;
}

}  // namespace sotto
