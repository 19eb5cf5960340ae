// Trains the small classifiers of a language (text/sentence_model.h) on sentences that a person wrote as
// patterns: `train/*.txt` of the language's folder, measured on `heldout/*.txt`, which are other words by
// intent. Deterministic; some seconds.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/language_data.h"
#include "text/sentence_model.h"

namespace sotto {

struct LabelledSentence {
  std::vector<std::string> words;  // in spoken form; words in angle brackets as they are
  std::string label;
};

// "[label]" and patterns below it (text/phrase_list.h), each expanded to at most `per_pattern` sentences,
// evenly spread. The error names file and line.
Result<std::vector<LabelledSentence>> ReadSentences(const std::filesystem::path& path, size_t per_pattern);

// The phrases of a language that agree, and those that are another answer: "yes" and "other", besides the
// patterns, so that the consent classifier knows the words of the rules.
std::vector<LabelledSentence> AnswerPhrases(const LanguageData& language);

struct SentenceTraining {
  int epochs = 30;
  double rate = 0.3;
  double decay = 1e-4;     // L2
  double smallest = 0.08;  // weights below are dropped
  uint64_t seed = 1;
};

// Logistic regression by AdaGrad; the labels weigh the same, however many sentences they have.
// REQUIRES: sentences of at least two labels.
SentenceModel TrainSentenceModel(const std::vector<LabelledSentence>& sentences,
                                 const SentenceTraining& options = {});

// How a model does: the share right, and what it got wrong as "text: wanted label, got label p".
struct SentenceScore {
  size_t sentences = 0;
  size_t right = 0;
  std::vector<std::string> errors;
};
SentenceScore ScoreSentences(const SentenceModel& model, const std::vector<LabelledSentence>& sentences);

}  // namespace sotto
