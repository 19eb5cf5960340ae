// Trains the tagger (privacy/tagger.h): maximum likelihood of a linear-chain CRF by AdaGrad, weights near zero
// dropped. Every marked text is also seen with other values of the same kinds and as it would be spoken: lower
// case, without punctuation. Deterministic by seed; seconds to a minute.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "privacy/language.h"
#include "privacy/marked_examples.h"
#include "privacy/tagger.h"

namespace sotto {

struct TaggerTraining {
  int epochs = 16;
  double rate = 0.1;
  double decay = 2e-6;     // L2, a step
  int variants = 12;       // of each marked text, besides itself
  int min_count = 5;       // features seen less often are left out
  double smallest = 0.27;  // weights below are dropped halfway, the rest make up for them
  uint64_t seed = 1;
};

// The kinds that the tagger marks: those that no rule knows.
KindSet TaggedKinds();

// What values are exchanged for besides those of the marked texts: lines of the language's files.
struct NameLists {
  std::vector<std::string> first;
  std::vector<std::string> last;
  std::vector<std::string> jobs;
  std::vector<std::string> countries;
};

// `marked` with `variants` more of each: values of its spans exchanged for others of their kind, some in lower
// case and without punctuation.
std::vector<MarkedExample> WithVariants(const std::vector<MarkedExample>& marked, const NameLists& names,
                                        const TaggerTraining& options);

// `plain`: texts without personal data. `progress(done, total)`: of the epochs' texts.
Tagger::Weights TrainTagger(const PrivacyLanguage& language, const std::vector<MarkedExample>& marked,
                            const std::vector<std::string>& plain, const TaggerTraining& options,
                            const std::function<void(size_t, size_t)>& progress);

}  // namespace sotto
