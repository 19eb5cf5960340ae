// A deployment's ears and mouth for whole files, as other programs ask for them: text in, a recording out, and
// the other way round. Any thread that may block.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assistant/deployment.h"
#include "core/audio.h"

namespace sotto {

// `format`: wav, flac, mp3, opus, or pcm (16-bit little-endian, 24 kHz). `voice`: one of flite's (slt, rms, awb,
// kal16); any other name is the deployment's own. kInvalidArgument: no such format. REQUIRES: there is a voice.
Result<std::string> SpeakToBytes(const Deployment& deployment, std::string_view text, std::string_view voice,
                                 std::string_view format);

// One of the workflow's messages that has no fields ("busy"), as the voice says it: 16 kHz. Null where it has no sentence
// or cannot be said, which is logged. The same.
std::shared_ptr<const std::vector<float>> SpokenMessage(const Deployment& deployment,
                                                        std::string_view message);

// What is said in a recording of any rate. The same.
Result<std::string> HearSamples(const Deployment& deployment, const Audio& audio);

struct HeardFile {
  std::string text;
  double seconds = 0;
};
// `bytes`: a WAV, FLAC, MP3 or Ogg file of at most ten minutes. kInvalidArgument: none of them. REQUIRES: there
// is a voice.
Result<HeardFile> HearBytes(const Deployment& deployment, std::string bytes);

}  // namespace sotto
