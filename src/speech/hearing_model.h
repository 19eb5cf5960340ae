// What the recogniser's search takes from a speech model: sounds that can be asked about tokens, the text of tokens,
// and where in the sound a text stands. OpenHearingModel gives the engine of `acoustic`; tests bring scripts.
// Any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "acoustic/encoder_decoder.h"
#include "acoustic/voice_activity.h"
#include "base/error.h"
#include "speech/beam_search.h"
#include "speech/workflow_lm.h"

namespace sotto {

// A sound that was read. One thread.
class HeardSound {
 public:
  virtual ~HeardSound() = default;
  virtual TokenScorer& scorer() = 0;
  // Where each token ends: [n_tokens] seconds from the start of the sound, ascending.
  virtual Result<std::vector<double>> TokenEnds(std::span<const TokenId> tokens) = 0;
};

class HearingModel {
 public:
  virtual ~HearingModel() = default;
  // "moonshine-tiny".
  virtual std::string name() const = 0;
  virtual const WorkflowLm::Vocabulary& vocabulary() const = 0;
  // The bytes that the token adds to a text (" the").
  virtual std::string_view TokenBytes(TokenId token) const = 0;
  // 16 kHz, finite, at most max_seconds. The sound does not outlive the model.
  virtual Result<std::unique_ptr<HeardSound>> Hear(std::span<const float> samples) = 0;
  virtual double max_seconds() const = 0;
  // Null: there is none.
  virtual std::shared_ptr<const VoiceActivityModel> voice_activity() const = 0;
};

struct HearingModelOptions {
  std::string model = "moonshine:tiny";  // acoustic/speech_model.h: FindSpeechModel
  int n_threads = 1;
};

// kNotFound: one line that says what is missing and how to get it.
Result<std::shared_ptr<HearingModel>> OpenHearingModel(const HearingModelOptions& options);

// The detector of voices, one for the whole program. Null where it is not installed. Errors: it is damaged.
Result<std::shared_ptr<const VoiceActivityModel>> OpenVoiceActivity();

}  // namespace sotto
