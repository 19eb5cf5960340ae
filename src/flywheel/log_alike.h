// How alike two texts are, for many comparisons: the share of their three-letter pieces that they have in common
// (Jaccard; learn/teacher.h's Likeness, with pieces hashed once a text).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sotto {

class TextPieces {
 public:
  explicit TextPieces(std::string_view text);
  // 0..1; texts too short for a piece are alike only where they are equal.
  double Likeness(const TextPieces& other) const;

 private:
  std::vector<uint32_t> pieces_;  // ascending, each once
  uint64_t whole_ = 0;
};

}  // namespace sotto
