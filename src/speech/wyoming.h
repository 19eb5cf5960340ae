// Speech servers that speak the Wyoming protocol (Home Assistant's: faster-whisper, vosk, piper, ...): JSON
// lines with binary payloads over TCP, https://github.com/OHF-Voice/wyoming.
//
// One event: {"type": ..., "data": {...}, "data_length": n, "payload_length": m}\n, n bytes of further JSON
// data, m bytes of payload. Recognition: transcribe, audio-start, audio-chunk..., audio-stop -> transcript.
// Synthesis: synthesize -> audio-start, audio-chunk..., audio-stop. One connection an utterance.
// A server that is down, slow or answers garbage is an error of that utterance within the limits below.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "speech/recognizer.h"
#include "speech/synthesizer.h"

namespace sotto {

struct WyomingOptions {
  std::string language = "en";  // what is recognised
  std::chrono::milliseconds connect{1000};
  std::chrono::milliseconds transcript{4000};  // after the end of speech
  std::chrono::milliseconds silence{4000};     // between two chunks of synthesis
};

// `url`: wyoming://host:port (default port 10300 for recognizers, 10200 for synthesizers).
Result<std::unique_ptr<RecognizerPool>> OpenWyomingRecognizers(const std::string& url,
                                                               WyomingOptions options = {});
// `voice` may be empty: the server's own.
Result<std::shared_ptr<Synthesizer>> OpenWyomingSynthesizer(const std::string& url, const std::string& voice,
                                                            WyomingOptions options = {});

}  // namespace sotto
