// Computes a SpeechModel: sound to frames once, then tokens step by step for many beams of many callers.
//
//   auto engine = SpeechEngine::Create(model, {.n_threads = 1});
//   auto speech = (*engine)->Encode(samples);                // 16 kHz; shared by the beams of this sound
//   std::vector<Beam> beams(1, Beam(*speech));
//   step.beams = {&beams[0]}; step.tokens = {bos};           // the first token of every beam is BOS
//   (*engine)->Step(step);                                   // step.logits: of the token after it
//   beams.push_back(beams[0]);                               // a branch: a few words copied, history shared
//
// A result depends neither on what else is in the batch nor on the number of threads: bit for bit the same on
// one instruction set (activations are rounded row by row), so batching callers is invisible but for the
// time.
//
// SpeechEngine: any thread. There is no engine thread: a caller that finds the decoder free computes the
// steps of everybody who waits as one batch; encoding goes on beside it and gives way between layers.
// EncodedSpeech is immutable: any thread. A Beam is a value, used by one thread at a time; copies of it by
// different ones.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "acoustic/speech_model.h"
#include "base/error.h"
#include "nn/isa.h"
#include "nn/shared_team.h"

namespace sotto {

// What the encoder made of a sound, as the decoder's cross-attention reads it: keys and values of every
// layer. About 380 kB a second of sound (Tiny).
class EncodedSpeech {
 public:
  ~EncodedSpeech();
  EncodedSpeech(const EncodedSpeech&) = delete;
  EncodedSpeech& operator=(const EncodedSpeech&) = delete;

  size_t n_frames() const { return n_frames_; }
  size_t n_samples() const { return n_samples_; }
  const SpeechModel& model() const { return *model_; }
  // The encoder's output: [n_frames, d_model]; empty unless SpeechEngineOptions::keep_frames.
  std::span<const float> frames() const { return frames_; }

  struct Pages;  // encoded_speech.h

 private:
  friend class SpeechEngine;
  friend struct SpeechEngineImpl;
  EncodedSpeech();

  std::shared_ptr<const SpeechModel> model_;
  size_t n_frames_ = 0;
  size_t n_samples_ = 0;
  std::vector<float> frames_;
  std::unique_ptr<Pages> pages_;
};

// The decoder's state of one hypothesis: the tokens it was given, each with its keys and values (18 kB a
// token, Tiny). Tokens are the nodes of a tree that branches share, so copying costs one reference and no
// token is ever copied.
class Beam {
 public:
  Beam() = default;
  // Without a token. REQUIRES: speech not null.
  explicit Beam(std::shared_ptr<const EncodedSpeech> speech);
  ~Beam();
  Beam(const Beam& other);
  Beam& operator=(const Beam& other);
  Beam(Beam&& other) noexcept;
  Beam& operator=(Beam&& other) noexcept;

  // Tokens taken so far, BOS included.
  size_t size() const;
  std::vector<TokenId> tokens() const;
  const std::shared_ptr<const EncodedSpeech>& speech() const { return speech_; }

  struct Node;  // beam_node.h

 private:
  friend struct SpeechEngineImpl;

  std::shared_ptr<const EncodedSpeech> speech_;
  Node* last_ = nullptr;  // counted
};

// One token for each of some beams of one caller.
struct BeamStep {
  std::vector<Beam*> beams;     // different objects; of any sounds
  std::vector<TokenId> tokens;  // the token that each beam takes: [n_beams]

  // Out; capacity is kept from step to step.
  std::vector<float> logits;   // [n_beams, n_vocab] of the token that follows
  std::vector<float> log_sum;  // [n_beams]: log of the sum of exp(logits); log-probability = logit - log_sum

  std::span<const float> row(size_t beam) const {
    const size_t n_vocab = logits.size() / beams.size();
    return std::span(logits).subspan(beam * n_vocab, n_vocab);
  }
};

// What the model thinks of a given text, and where in the sound it hears it.
struct ForcedText {
  std::vector<float> log_probs;  // [n_tokens]: of each token, given BOS and the tokens before it
  std::vector<float>
      attention;  // [n_tokens, n_frames]: how much each token looks at each frame; rows sum to 1
};

struct SpeechEngineOptions {
  std::optional<Isa> isa = {};  // none: the best one, or what SOTTO_ISA names (nn/isa.h)
  int n_threads = 1;
  std::shared_ptr<SharedTeam> team =
      nullptr;                  // compute on these threads, with other engines; null: on its own
  size_t max_batch_beams = 64;  // rows of one batch; more wait for the next
  bool keep_frames = false;     // EncodedSpeech::frames(), for tests
};

class SpeechEngine {
 public:
  static Result<std::unique_ptr<SpeechEngine>> Create(std::shared_ptr<const SpeechModel> model,
                                                      SpeechEngineOptions options = {});
  ~SpeechEngine();
  SpeechEngine(const SpeechEngine&) = delete;
  SpeechEngine& operator=(const SpeechEngine&) = delete;

  const SpeechModel& model() const;

  // Samples at 16 kHz, about [-1, 1]. Errors (kInvalidArgument), one line: too short for a frame (0.056 s),
  // longer than SpeechConfig::kMaxSeconds, a sample that is no finite number.
  Result<std::shared_ptr<const EncodedSpeech>> Encode(std::span<const float> samples);

  // Appends a token to every beam. Blocks until done. On an error (token out of range, a beam that is full,
  // of another model or twice in the step) nothing has changed; it concerns this step only. At most
  // max_batch_beams beams.
  Result<void> Step(BeamStep& step);

  // The tokens (without BOS; EOS may be the last) as one pass: for word times and scores of a finished
  // hypothesis. Costs about one step of tokens.size() beams.
  Result<ForcedText> Force(const std::shared_ptr<const EncodedSpeech>& speech,
                           std::span<const TokenId> tokens);

  // Beams that batches have held so far, and batches: how well callers share steps.
  struct Counters {
    size_t n_steps = 0;
    size_t n_beams = 0;
    size_t n_encoded = 0;
  };
  Counters counters() const;

 private:
  explicit SpeechEngine(std::unique_ptr<struct SpeechEngineImpl> impl);
  std::unique_ptr<struct SpeechEngineImpl> impl_;
};

}  // namespace sotto
