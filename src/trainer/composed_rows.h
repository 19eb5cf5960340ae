// Embeddings of call fragments made of words: the row of `{"name": "cancel_card", ...` is the sum of the rows
// of " cancel card" and of the tool's description, divided by the root of their number (so that its length is
// that of a row). A base model is trained with its tools' rows held to this, so that what it says of a
// sentence comes near the words that describe the right tool; a specialist's rows begin there, and a tool
// that the base never saw is understood from its name and description (zero-shot by label embedding: Akata et
// al. 2013; tied output embeddings: Press and Wolf 2017).
//
// Immutable; the embedding table that it works on is passed in.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "slm/tokenizer.h"
#include "trainer/decoder.h"
#include "trainer/vocabulary.h"

namespace sotto {

class ComposedRows {
 public:
  ComposedRows() = default;
  // Of every fragment of the vocabulary that has a meaning. `tokenizer` knows (at least) its base tokens.
  ComposedRows(const TrainVocabulary& vocabulary, const Tokenizer& tokenizer);

  bool empty() const { return rows_.empty(); }
  // A choice of the words for one step: each is left out with probability `leave_out` (never all of them).
  ComposedRows Sample(double leave_out, Random& random) const;
  // Writes the rows into the embedding table.
  void Compose(Weights& weights) const;
  // Hands the rows' gradients on to their words' rows and clears them. `gradients` laid out as
  // Weights::flat().
  void Distribute(const Weights& weights, float* gradients) const;

 private:
  struct Row {
    int64_t id = 0;
    std::vector<int64_t> words;  // ids of base tokens
  };
  std::vector<Row> rows_;
};

}  // namespace sotto
