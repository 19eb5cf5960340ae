// The neural recogniser: a Moonshine model (speech/hearing_model.h) searched with the workflow's language model inside
// (speech/beam_search.h, speech/workflow_lm.h).
//
// Nothing of the model is incremental, so a partial reads the utterance again, with a narrow beam, at most every
// `partial_every`; words that two partials in a row agree on are stable: no later partial of the utterance changes
// them. In a pause the final is computed ahead of time; at the end of the turn it is usually there. A final reads from
// 0.3 s before the first voiced moment to 0.3 s after the last one, however the audio came in: it is the same as for
// the whole recording at once. Longer utterances are cut at pauses, each piece with a final of its own.
//
// Whether the words can be believed (speech/ears_judge.h): what was other speech comes out as it was heard without the
// workflow, its words with low confidence.
//
// A pool shares the model, the language model and the engine; a recognizer costs its audio (64 kB a second) and
// about half a megabyte of scratch. Searches of several callers meet in the engine, which batches their steps.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "speech/beam_search.h"
#include "speech/ears_judge.h"
#include "speech/hearing_model.h"
#include "speech/recognizer.h"
#include "speech/workflow_lm.h"

namespace sotto {

struct MoonshineOptions {
  BeamSearchOptions search;
  size_t partial_beam = 2;
  std::chrono::milliseconds partial_every{360};
  std::chrono::milliseconds lead{300};          // before the first voiced moment
  std::chrono::milliseconds tail{300};          // after the last one
  std::chrono::milliseconds ahead_after{90};    // pause in which a final is computed ahead of time
  std::chrono::milliseconds cut_pause{500};     // pause that may cut a long utterance,
  std::chrono::milliseconds cut_after{7000};    // from this length on
  std::chrono::milliseconds cut_anyway{22000};  // without a pause, at the quietest moment of the last seconds
  double other_speech = 0.5;  // less probably meant for the workflow: what was heard freely is told
  std::function<void(const EarsEvidence&)>
      on_evidence;  // of each final, for fitting speech/ears_judge.h; may be null
};

class MoonshinePool final : public RecognizerPool {
 public:
  using Options = MoonshineOptions;

  static std::unique_ptr<MoonshinePool> Create(std::shared_ptr<HearingModel> model, const DomainText& text,
                                               Options options = {});
  ~MoonshinePool() override;

  Result<std::unique_ptr<Recognizer>> Acquire() override;
  std::string name() const override { return model_->name(); }
  const WorkflowLm& lm() const { return *lm_; }

 private:
  friend class MoonshineRecognizer;
  MoonshinePool(std::shared_ptr<HearingModel> model, std::shared_ptr<const WorkflowLm> lm, Options options);

  const std::shared_ptr<HearingModel> model_;
  const std::shared_ptr<const WorkflowLm> lm_;
  const Options options_;
};

}  // namespace sotto
