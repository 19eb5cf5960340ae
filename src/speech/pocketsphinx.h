// The embedded recognizer: CMU PocketSphinx with a domain model of ours (speech/domain_model.h).
//
// One decoder a caller, about 20 MB and 0.05 x real time. Each decoder holds one search a ListeningMode. The
// second, flat pass is off unless asked for: it costs 50 ms at the end of speech. It is worth them where a
// whole order comes in one sentence (short unstressed words: "a little bit of").
// Cepstral means start from those of clear speech and are kept over a caller's utterances.
// Wideband and telephone callers use pools of their own (Options::telephone).
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "speech/domain_model.h"
#include "speech/recognizer.h"

struct ps_decoder_s;

namespace sotto {

class PocketSphinxDecoder;

struct PocketSphinxOptions {
  std::filesystem::path acoustic_model;         // empty: Debian's en-us
  std::filesystem::path mllr;                   // speaker or channel transform; empty: none
  int n_best = 5;                               // hypotheses in a final; 1: only the best
  std::chrono::milliseconds n_best_budget{10};  // where the lattice is too large for it: 1-best
  bool telephone = false;                       // 8 kHz speech, upsampled (speech/band.h)
  bool second_pass = false;                     // flat search over the first one's words at the end
  bool noise_removal = true;                    // PocketSphinx's own spectral subtraction
  std::vector<std::pair<std::string, std::string>> extra;  // further PocketSphinx settings: {"-lw", "8"}
};

class PocketSphinxPool final : public RecognizerPool {
 public:
  using Options = PocketSphinxOptions;

  // Opens `ready` decoders at once; Acquire() opens another where all are in use.
  static Result<std::unique_ptr<PocketSphinxPool>> Create(DomainModel model, Options options, int ready = 1);
  ~PocketSphinxPool() override;

  Result<std::unique_ptr<Recognizer>> Acquire() override;
  std::string name() const override { return "pocketsphinx"; }

 private:
  friend class PocketSphinxRecognizer;
  PocketSphinxPool(DomainModel model, Options options);
  Result<std::unique_ptr<PocketSphinxDecoder>> Open() const;
  void Return(std::unique_ptr<PocketSphinxDecoder> decoder);

  const DomainModel model_;
  const Options options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PocketSphinxDecoder>> idle_;
};

}  // namespace sotto
