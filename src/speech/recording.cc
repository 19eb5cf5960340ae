#include "speech/recording.h"

#include <future>

#include "acoustic/pauses.h"
#include "core/audio.h"

namespace sotto {

Result<std::string> HearRecording(LiveRecognizer& recognizer, std::span<const float> samples,
                                  Duration limit) {
  recognizer.NewCaller();
  std::string words;
  for (const SoundPart& part : SplitAtPauses(samples, kSampleRateHz)) {
    recognizer.Start(ListeningMode::kOpen);
    recognizer.Feed(samples.subspan(part.begin, part.end - part.begin));
    const auto told = std::make_shared<std::promise<Result<Transcript>>>();
    recognizer.Finish(limit, [told](Result<Transcript> final) { told->set_value(std::move(final)); });
    SOTTO_ASSIGN_OR_RETURN(const Transcript final, told->get_future().get());
    if (final.text.empty()) continue;
    if (!words.empty()) words += ' ';
    words += final.text;
  }
  return words;
}

}  // namespace sotto
