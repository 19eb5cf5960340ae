#include "flywheel/log_alike.h"

#include <algorithm>

#include "base/hash.h"

namespace sotto {

TextPieces::TextPieces(std::string_view text) : whole_(Fnv1a(text)) {
  for (size_t i = 0; i + 3 <= text.size(); ++i) {
    const auto byte = [&](size_t k) {
      return static_cast<uint32_t>(static_cast<unsigned char>(text[i + k]));
    };
    pieces_.push_back(byte(0) << 16 | byte(1) << 8 | byte(2));
  }
  std::sort(pieces_.begin(), pieces_.end());
  pieces_.erase(std::unique(pieces_.begin(), pieces_.end()), pieces_.end());
}

double TextPieces::Likeness(const TextPieces& other) const {
  if (pieces_.empty() || other.pieces_.empty()) return whole_ == other.whole_ ? 1 : 0;
  size_t common = 0;
  for (size_t a = 0, b = 0; a < pieces_.size() && b < other.pieces_.size();) {
    if (pieces_[a] == other.pieces_[b]) {
      ++common, ++a, ++b;
    } else if (pieces_[a] < other.pieces_[b]) {
      ++a;
    } else {
      ++b;
    }
  }
  return static_cast<double>(common) / static_cast<double>(pieces_.size() + other.pieces_.size() - common);
}

}  // namespace sotto
