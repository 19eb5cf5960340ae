#include "brain/choice.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace sotto {
namespace {

using Tokens = std::vector<int32_t>;

// Below this size the whole vocabulary costs next to nothing, and the mass outside the allowed tokens tells
// how far the model is from what it knows.
constexpr int32_t kSmallVocabulary = 8192;

// Length of the prefix that all of `sequences` named by `live` share.
size_t CommonPrefix(const std::vector<Tokens>& sequences, const std::vector<size_t>& live) {
  const Tokens& first = sequences[live.front()];
  size_t length = first.size();
  for (const size_t i : live) {
    const auto mismatch = std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(length),
                                        sequences[i].begin(), sequences[i].end());
    length = static_cast<size_t>(mismatch.first - first.begin());
  }
  return length;
}

bool SameGroup(std::span<const Alternative> alternatives, const std::vector<size_t>& live) {
  return std::all_of(live.begin(), live.end(),
                     [&](size_t i) { return alternatives[i].group == alternatives[live.front()].group; });
}

}  // namespace

Result<Choice> ChoiceWriter::Choose(std::span<const Alternative> alternatives, bool whole_vocabulary,
                                    int forced) {
  SOTTO_CHECK(!alternatives.empty());
  Choice choice;
  const bool whole = model_.vocabulary_size() < kSmallVocabulary;
  std::vector<size_t> live(alternatives.size());
  for (size_t i = 0; i < live.size(); ++i) live[i] = i;
  std::vector<Tokens> sequences;
  if (live.size() > 1) {
    for (const Alternative& alternative : alternatives) {
      sequences.push_back(model_.Encode(text_ + alternative.text));
      if (alternative.end_token) sequences.back().push_back(*alternative.end_token);
    }
  }
  while (live.size() > 1) {
    const size_t position = CommonPrefix(sequences, live);
    Tokens rows;
    for (const size_t i : live) {
      SOTTO_CHECK(position < sequences[i].size(), "'{}' is a prefix of another alternative",
                  alternatives[i].text);
      const int32_t token = sequences[i][position];
      if (std::find(rows.begin(), rows.end(), token) == rows.end()) rows.push_back(token);
    }
    const std::span<const int32_t> before(sequences[live.front()].data(), position);
    SOTTO_ASSIGN_OR_RETURN(const std::vector<float> log_probs,
                           model_.LogProbs(before, rows, whole || (whole_vocabulary && choice.decided == 0)));
    size_t best =
        static_cast<size_t>(std::max_element(log_probs.begin(), log_probs.end()) - log_probs.begin());
    if (forced >= 0) {
      const int32_t wanted = sequences[static_cast<size_t>(forced)][position];
      best = static_cast<size_t>(std::find(rows.begin(), rows.end(), wanted) - rows.begin());
    }
    double second = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i != best) second = std::max(second, std::exp(static_cast<double>(log_probs[i])));
    }
    const double log_prob = static_cast<double>(log_probs[best]);
    choice.margin = std::min(choice.margin, std::exp(log_prob) - second);
    choice.log_prob += log_prob;
    if (!SameGroup(alternatives, live)) choice.group_log_prob += log_prob;
    ++choice.decided;
    std::erase_if(live, [&](size_t i) { return sequences[i][position] != rows[best]; });
  }
  choice.index = live.front();
  text_ += alternatives[choice.index].text;
  return choice;
}

}  // namespace sotto
