// Marks names, addresses and other things that no rule can tell: a linear-chain conditional random field over
// words (Lafferty et al. 2001), one label a word in the form B-kind, I-kind, O. Its features are what a word
// is and what stands around it (privacy/tagger_features.h). The file is text, one feature a line, so that a
// change can be read (docs/formats/privacy_language.md). `sotto pii train` makes it. Immutable; any thread;
// about 1 us a word.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "privacy/personal_kind.h"

namespace sotto {

class Tagger {
 public:
  static constexpr size_t kMaxLabels = 24;

  struct Label {
    bool outside = true;
    bool begins = false;
    PersonalKind kind = PersonalKind::kName;
  };
  struct Feature {
    std::string name;
    std::vector<std::pair<uint8_t, float>> weights;  // label, weight
  };
  struct Weights {
    std::vector<std::string> labels;  // the first is "O"
    std::vector<float> transitions;   // [from][to], n_labels x n_labels
    std::vector<float> starts;        // n_labels
    std::vector<Feature> features;
  };
  struct Tagged {
    uint8_t label = 0;
    float probability = 0;  // that it is of the label's kind
  };

  Tagger() = default;
  // REQUIRES: sizes that fit; 2 to kMaxLabels labels.
  explicit Tagger(const Weights& weights);

  // The error names `source` and the line.
  static Result<Weights> ParseWeights(std::string_view text, std::string_view source);
  static std::string ToText(const Weights& weights);

  bool empty() const { return labels_.empty(); }
  size_t n_labels() const { return labels_.size(); }
  const Label& label(size_t i) const { return labels_[i]; }

  // One a word. `features`: hashes of their names, `ends[i]` where those of the word i end. A word is outside
  // only where that is more probable than 1 - `sureness` of anything else: the lower, the more is found.
  std::vector<Tagged> Tag(std::span<const uint64_t> features, std::span<const uint32_t> ends,
                          float sureness) const;

 private:
  std::vector<Label> labels_;
  std::unordered_map<uint64_t, uint32_t> rows_;  // of `weights_`
  std::vector<float> weights_;                   // [row][kMaxLabels]
  std::vector<float> moves_;                     // exp of the transitions, [to][from], padded to kMaxLabels
  std::vector<float> starts_;                    // exp
};

}  // namespace sotto
