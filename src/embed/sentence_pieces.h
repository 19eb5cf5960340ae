// A sentence as pieces of a unigram vocabulary: what the sentence encoder reads.
//
// The text is brought into Unicode's NFKC form, "▁" is put in front and for every space, and of all ways to
// write it as pieces the one with the largest sum of scores is taken (Viterbi over code points). Ids, ties
// and oddities are those of the reference (npm @energetic-ai/embeddings 0.2.0): pieces below kReserved never
// match; a code point that no piece begins is unknown (id 0), runs of unknown ones are one; of equal sums the
// later candidate wins; a sum of exactly 0 counts as none, so that a place that no way leads to begins anew.
//
// Immutable; any thread. About 10 us a sentence.
// Source: Kudo 2018 (subword regularisation); SentencePiece's unigram model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace sotto {

class SentencePieces {
 public:
  static constexpr int32_t kUnknown = 0;
  static constexpr size_t kReserved = 6;
  // Of a longer text only so much is read.
  static constexpr size_t kMaxBytes = size_t{1} << 16;

  // pieces[i] has the id i and scores[i]. kCorrupt: not as many scores as pieces, no more than kReserved, a
  // piece that is empty or no UTF-8, a score that is no finite number.
  static Result<SentencePieces> Create(const std::vector<std::string>& pieces,
                                       const std::vector<double>& scores);

  size_t size() const { return n_code_points_.size(); }

  // Bytes that are no UTF-8 count as U+FFFD. Nothing for an empty text.
  std::vector<int32_t> Encode(std::string_view text) const;

 private:
  struct Node {
    int32_t id = -1;  // of the piece that ends here; -1: none
    double score = 0;
  };
  static uint64_t Edge(size_t node, char32_t code_point) {
    return uint64_t{node} << 21 | static_cast<uint64_t>(code_point);
  }

  // A trie of code points: nodes_[0] is its root, edges_ lead from (node, code point) to a node.
  std::vector<Node> nodes_ = {Node{}};
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::vector<uint32_t> n_code_points_;  // of each piece
};

}  // namespace sotto
