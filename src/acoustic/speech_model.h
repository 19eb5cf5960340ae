// A neural speech recogniser's weights, shape and tokenizer, read from a GGUF that `sotto model import`
// wrote: an encoder over raw sound and a decoder of text that attends to it (Moonshine: Jeffries et al. 2024,
// "Moonshine: Speech Recognition for Live Transcription and Voice Commands").
//
// Immutable after opening and shared by all engines, sessions and threads (encoder_decoder.h computes it).
// The pieces of the tokenizer are SentencePiece's: Encode(" a medium latte") and Decode() as in
// slm/tokenizer.h; the model writes text with capitals and punctuation ("Can I have a medium latte?").
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "slm/gguf.h"
#include "slm/tokenizer.h"

namespace sotto {

struct SpeechWeights;

// Shapes. Rows of activations are [n_frames or n_tokens, d_model].
struct SpeechConfig {
  size_t d_model = 0;
  size_t n_encoder_layers = 0;
  size_t n_decoder_layers = 0;
  size_t n_heads = 0;
  size_t head_dim = 0;
  size_t d_ff = 0;
  size_t n_rot = 0;  // dimensions rotated at the start of each head
  double rope_theta = 10000.0;
  float norm_eps = 1e-5f;
  size_t n_vocab = 0;
  TokenId bos = 1;
  TokenId eos = 2;
  size_t max_tokens = 0;  // positions of the decoder, BOS counted
  // The convolutions of the stem, one after the other, without padding: kernel and stride in their input.
  size_t kernels[3] = {127, 7, 3};
  size_t strides[3] = {64, 3, 2};

  // Frames of a sound of n samples at 16 kHz; 0: too short for one.
  size_t FramesOf(size_t n_samples) const;
  // Samples between the beginnings of two frames: 384 (24 ms).
  size_t frame_samples() const { return strides[0] * strides[1] * strides[2]; }
  // What the encoder takes at once.
  static constexpr double kMaxSeconds = 30.0;
};

struct SpeechModelOptions {
  bool exact = false;  // weights and activations in float: slow, the oracle for tests
  int n_threads = 1;   // for packing while loading
};

class SpeechModel {
 public:
  // Errors name the file: not GGUF, another architecture, missing keys or tensors, wrong shapes.
  static Result<std::shared_ptr<const SpeechModel>> Open(const std::filesystem::path& path,
                                                         SpeechModelOptions options = {});
  static Result<std::shared_ptr<const SpeechModel>> FromGguf(std::shared_ptr<const GgufFile> gguf,
                                                             SpeechModelOptions options = {});
  ~SpeechModel();
  SpeechModel(const SpeechModel&) = delete;
  SpeechModel& operator=(const SpeechModel&) = delete;

  const SpeechConfig& config() const { return config_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const SpeechModelOptions& options() const { return options_; }
  // general.name: "moonshine-tiny".
  const std::string& name() const { return name_; }
  // Tells apart models with other weights, for caches made with one: 16 hex digits.
  const std::string& id() const { return id_; }
  const std::string& path() const { return gguf_->path(); }
  // Licence and origin stand in its metadata.
  const GgufFile& gguf() const { return *gguf_; }
  // For encoder_decoder.cc.
  const SpeechWeights& weights() const { return *weights_; }

 private:
  SpeechModel();

  SpeechConfig config_;
  SpeechModelOptions options_;
  std::string name_;
  std::string id_;
  std::shared_ptr<const GgufFile> gguf_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<const SpeechWeights> weights_;
};

// Where imported models lie: models/ under $SOTTO_CACHE, else $XDG_CACHE_HOME/sotto, else ~/.cache/sotto.
std::filesystem::path SpeechModelFolder();
// The file of a model by its name in recognizer settings: "moonshine:tiny", "moonshine:base", "silero".
// What scripts/install-models fetched is imported at its first use (a second or two). kNotFound: one
// line that says what is missing and how to get it. A name with a '/' or ending in .gguf is a path.
Result<std::filesystem::path> FindSpeechModel(std::string_view name);

}  // namespace sotto
