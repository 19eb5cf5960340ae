// The words of a whole recording, heard as a caller would be: cut in its pauses into utterances that the
// recognizer takes one after the other.
#pragma once

#include <span>
#include <string>

#include "base/clock.h"
#include "speech/live_recognizer.h"

namespace sotto {

// Waits for each part at most `limit`. 16 kHz. REQUIRES: not on a thread that the recognizer's scheduler
// computes on.
Result<std::string> HearRecording(LiveRecognizer& recognizer, std::span<const float> samples, Duration limit);

}  // namespace sotto
