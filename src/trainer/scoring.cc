#include "trainer/scoring.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "trainer/corpus.h"

namespace sotto {
namespace {

struct Piece {
  Batch batch;
  std::vector<TurnScore> turns;             // in order
  std::vector<std::pair<int, int>> ranges;  // rows of each turn
  double loss = 0;
};

// Every call token gets weight 1, so rows are exactly the tokens that count.
void Add(const LabelledConversation& labelled, size_t index, std::span<const OfferedTool> tools,
         const Tokenizer& tokenizer, int n_ctx, Piece& piece) {
  Random unused(0);
  const TrainSequence sequence = EncodeConversation(labelled, tools, tokenizer, {}, unused);
  int row = static_cast<int>(piece.batch.rows.size());
  AppendSequence(sequence, n_ctx, piece.batch);
  for (size_t t = 0; t < sequence.turns.size(); ++t) {
    const TrainSequence::TurnRange& range = sequence.turns[t];
    if (!range.scored) continue;
    if (range.end > n_ctx) break;
    piece.turns.push_back({index, t});
    piece.ranges.emplace_back(row, row + range.end - range.begin);
    row += range.end - range.begin;
  }
}

void Run(Pass& pass, const Weights& weights, Piece& piece) {
  const size_t n_rows = piece.batch.rows.size();
  PadBatch(piece.batch);
  const std::vector<RowScore> scores = pass.Forward(weights, piece.batch);
  for (size_t r = 0; r < n_rows; ++r) piece.loss += scores[r].loss;
  for (size_t t = 0; t < piece.turns.size(); ++t) {
    TurnScore& turn = piece.turns[t];
    turn.exact = true;
    for (int r = piece.ranges[t].first; r < piece.ranges[t].second; ++r) {
      const RowScore& s = scores[static_cast<size_t>(r)];
      turn.exact &= s.hit;
      turn.confidence *= s.top;
    }
    turn.name_right = scores[static_cast<size_t>(piece.ranges[t].first)].hit;
  }
}

}  // namespace

double Score::exact() const {
  const auto n = std::count_if(turns.begin(), turns.end(), [](const TurnScore& t) { return t.exact; });
  return turns.empty() ? 0 : static_cast<double>(n) / static_cast<double>(turns.size());
}

double Score::name() const {
  const auto n = std::count_if(turns.begin(), turns.end(), [](const TurnScore& t) { return t.name_right; });
  return turns.empty() ? 0 : static_cast<double>(n) / static_cast<double>(turns.size());
}

double Score::auroc() const {
  std::vector<std::pair<double, bool>> sorted;
  for (const TurnScore& t : turns) sorted.emplace_back(t.confidence, t.exact);
  std::sort(sorted.begin(), sorted.end());
  double wrong = 0;
  double right = 0;
  double area = 0;
  for (const auto& [confidence, exact] : sorted) {
    if (exact) {
      ++right;
      area += wrong;
    } else {
      ++wrong;
    }
  }
  return wrong == 0 || right == 0 ? 1 : area / (wrong * right);
}

Score ScoreConversations(std::span<const std::unique_ptr<Pass>> passes, const Weights& weights,
                         std::span<const LabelledConversation> rows, std::span<const OfferedTool> tools,
                         const Tokenizer& tokenizer, int batch_tokens) {
  std::vector<Piece> pieces(1);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (pieces.back().batch.n_tokens() >= batch_tokens) pieces.emplace_back();
    Add(rows[i], i, tools, tokenizer, weights.shape().n_ctx, pieces.back());
  }
  std::atomic<size_t> next{0};
  const auto work = [&](Pass& pass) {
    at::set_num_threads(1);
    for (size_t i = next++; i < pieces.size(); i = next++) Run(pass, weights, pieces[i]);
  };
  std::vector<std::thread> helpers;
  for (size_t i = 1; i < passes.size(); ++i) helpers.emplace_back([&, i] { work(*passes[i]); });
  work(*passes[0]);
  for (std::thread& helper : helpers) helper.join();

  Score score;
  score.conversations = rows.size();
  std::vector<bool> right(rows.size(), true);
  size_t tokens = 0;
  for (const Piece& piece : pieces) {
    score.loss += piece.loss;
    for (const auto& [begin, end] : piece.ranges) tokens += static_cast<size_t>(end - begin);
    for (const TurnScore& t : piece.turns) {
      score.turns.push_back(t);
      if (!t.exact) right[t.row] = false;
    }
  }
  score.loss /= static_cast<double>(std::max<size_t>(1, tokens));
  score.conversations_exact = static_cast<size_t>(std::count(right.begin(), right.end(), true));
  return score;
}

}  // namespace sotto
