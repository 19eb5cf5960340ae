// What a recognizer heard. A partial may change until the final of the same utterance; a final never changes.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace sotto {

struct TranscriptWord {
  std::string text;
  std::chrono::milliseconds start{0};  // from the start of the utterance
  std::chrono::milliseconds end{0};
  double confidence = 1;  // posterior in [0, 1]; 1 where the backend gives none
};

struct Transcript {
  struct Hypothesis {
    std::string text;
    double log_score = 0;  // relative to the best hypothesis, natural log, <= 0
  };
  std::string text;                   // the best reading
  std::vector<TranscriptWord> words;  // of `text`; may be empty for partials
  std::vector<Hypothesis> n_best;     // best first, n_best[0].text == text; empty for partials
  bool final = false;
};

// Mean posterior of the words; 1 where there are none.
double MeanWordConfidence(const Transcript& transcript);

// How far an utterance was heard well enough to act on: a logistic function of the mean word posterior, 0.5
// at 0.5, 0.8 at 0.6, 0.94 at 0.7; 1 without words (typed). Of recorded orders (`sotto bench ears`) those
// below 0.8 are as often wrong as right.
double HeardConfidence(const Transcript& transcript);

}  // namespace sotto
