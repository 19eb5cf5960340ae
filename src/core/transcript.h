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

}  // namespace sotto
