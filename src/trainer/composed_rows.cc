#include "trainer/composed_rows.h"

#include <algorithm>
#include <cmath>

#include "text/normalise.h"

namespace sotto {

ComposedRows::ComposedRows(const TrainVocabulary& vocabulary, const Tokenizer& tokenizer) {
  for (size_t id = vocabulary.n_base; id < vocabulary.tokens.size(); ++id) {
    const std::string words = NormaliseSpoken(vocabulary.MeaningOf(id));
    if (words.empty()) continue;
    Row row{static_cast<int64_t>(id), {}};
    for (const TokenId token : tokenizer.Encode(" " + words)) {
      if (static_cast<size_t>(token) < vocabulary.n_base) row.words.push_back(token);
    }
    if (!row.words.empty()) rows_.push_back(std::move(row));
  }
}

ComposedRows ComposedRows::Sample(double leave_out, Random& random) const {
  ComposedRows sample;
  for (const Row& row : rows_) {
    Row kept{row.id, {}};
    for (const int64_t word : row.words)
      if (!random.Chance(leave_out)) kept.words.push_back(word);
    if (kept.words.empty()) kept.words = row.words;
    sample.rows_.push_back(std::move(kept));
  }
  return sample;
}

void ComposedRows::Compose(Weights& weights) const {
  const int64_t d = weights.shape().d_model;
  float* table = weights.data(weights.embedding());
  for (const Row& row : rows_) {
    float* to = table + row.id * d;
    std::fill_n(to, d, 0.0f);
    const float share = 1.0f / std::sqrt(static_cast<float>(row.words.size()));
    for (const int64_t word : row.words)
      for (int64_t j = 0; j < d; ++j) to[j] += share * table[word * d + j];
  }
}

void ComposedRows::Distribute(const Weights& weights, float* gradients) const {
  const int64_t d = weights.shape().d_model;
  float* table = gradients + weights.view(weights.embedding()).offset;
  for (const Row& row : rows_) {
    float* from = table + row.id * d;
    const float share = 1.0f / std::sqrt(static_cast<float>(row.words.size()));
    for (const int64_t word : row.words)
      for (int64_t j = 0; j < d; ++j) table[word * d + j] += share * from[j];
    std::fill_n(from, d, 0.0f);
  }
}

}  // namespace sotto
