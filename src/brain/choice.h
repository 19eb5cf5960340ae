// Choosing one of several texts with a model, over their ordinary tokenisations.
//
// Every real decision of a call is a choice among finitely many texts: the next tool, the next argument or
// the end, one of the grounded values. Each alternative is tokenised together with all the text before it, so
// the model only ever sees token sequences it was trained on, whatever stretch of text was forced before
// (retokenising across the seam). The alternatives' token sequences form a trie: where it has one branch the
// tokens are forced, where it has several the model is asked for the probabilities of exactly those tokens
// and the likeliest is taken. See docs/adr/0003.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "brain/next_token.h"

namespace sotto {

struct Alternative {
  std::string text;
  std::optional<int32_t> end_token;  // a special token after the text: the end of the turn's calls
  int group = 0;                     // decisions among different groups count to Choice::group_log_prob
};

struct Choice {
  size_t index = 0;
  double log_prob = 0;        // of all decisions taken
  double group_log_prob = 0;  // of those that told groups apart
  double margin = 1;          // smallest difference between the best and the second probability
  int decided = 0;            // decisions asked of the model
};

// The text of a turn's calls as it grows, and its tokens.
class ChoiceWriter {
 public:
  explicit ChoiceWriter(NextToken& model) : model_(model) {}

  // REQUIRES: alternatives not empty; no alternative is a prefix of another (an end token makes it
  // different). `whole_vocabulary`: the first decision is normalised over all tokens, not only the allowed
  // ones. `forced` >= 0 takes that alternative after every decision has been computed (replays).
  Result<Choice> Choose(std::span<const Alternative> alternatives, bool whole_vocabulary, int forced = -1);

  // Appends without asking.
  void Append(std::string_view text) { text_ += text; }

  const std::string& text() const { return text_; }
  NextToken& model() { return model_; }

 private:
  NextToken& model_;
  std::string text_;
};

}  // namespace sotto
