// Speech servers with the OpenAI audio endpoints (OpenAI, LocalAI, speaches, vLLM, Kokoro-FastAPI, ...):
// POST {base}/audio/transcriptions (multipart, a WAV file) and POST {base}/audio/speech (JSON in, WAV out,
// played while it arrives). The key is OPENAI_API_KEY of the environment, if set.
// A server that is down, slow or answers garbage is an error of that utterance within the limits below.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "speech/recognizer.h"
#include "speech/synthesizer.h"

namespace sotto {

struct OpenAiAudioOptions {
  std::string language = "en";  // what is recognised
  std::chrono::milliseconds connect{1000};
  std::chrono::milliseconds transcript{5000};  // the whole request
  std::chrono::milliseconds speech{15000};     // the whole sentence
  std::string transcription_model = "whisper-1";
  std::string speech_model = "tts-1";
};

// `base`: http://host:port/v1 or https://...
Result<std::unique_ptr<RecognizerPool>> OpenOpenAiRecognizers(const std::string& base,
                                                              OpenAiAudioOptions options = {});
// `voice` may be empty: "alloy".
Result<std::shared_ptr<Synthesizer>> OpenOpenAiSynthesizer(const std::string& base, const std::string& voice,
                                                           OpenAiAudioOptions options = {});

}  // namespace sotto
