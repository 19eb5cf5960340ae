// Recognizers and synthesizers by name, with fallbacks: what the command line and the configuration write.
//
//   recognizer   moonshine[:tiny|:base] | pocketsphinx | pocketsphinx:thorough (second pass) |
//                wyoming://host:port | http://host:port/v1 (OpenAI audio; https too)
//   synthesizer  flite | flite:slt | espeak | espeak:en-us | wyoming://host:port | http://host:port/v1
//
// Where a Moonshine model is not installed the next of the list is opened in its place, and one line says so.
// Where the first named fails (not there, too slow, garbage), the next of the list is used for that utterance
// or sentence, and the failure is logged: a session never falls silent because of a backend.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "speech/domain_text.h"
#include "speech/recognizer.h"
#include "speech/synthesizer.h"

namespace sotto {

// `names` separated by commas, in order of preference. The embedded recognizer is prepared for `text`.
Result<std::unique_ptr<RecognizerPool>> OpenRecognizers(const std::string& names, const DomainText& text,
                                                        int ready = 1);
// `voice` where a name does not say which.
Result<std::shared_ptr<Synthesizer>> OpenSynthesizer(const std::string& names, const std::string& voice);

// The first of several that works. `pools` not empty.
std::unique_ptr<RecognizerPool> MakeFallbackRecognizers(std::vector<std::unique_ptr<RecognizerPool>> pools);
std::shared_ptr<Synthesizer> MakeFallbackSynthesizer(std::vector<std::shared_ptr<Synthesizer>> synthesizers);

}  // namespace sotto
