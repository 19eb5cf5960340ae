// What a sentence means, as a vector: sentences that say the same lie near each other (cosine), whatever
// their words. The pretrained Universal Sentence Encoder Lite (Cer et al. 2018, arXiv:1803.11175) as the GGUF that
// `sotto model import` makes of the npm package; docs/models.md has origin, licence and figures.
//
// English. A complement to words, for few examples, unseen phrasing and what is out of scope; not for finding
// documents (plain BM25 is better).
//
// One model a process: immutable, its scratch memory is guarded inside. Any thread may call; calls wait for
// each other and for the team they compute on (nn/shared_team.h), which they give to others between layers.
// Equal texts give equal vectors, bit for bit, whatever else is encoded with them (on one instruction set).
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "embed/sentence_pieces.h"
#include "nn/shared_team.h"
#include "slm/gguf.h"

namespace sotto {

struct SentenceEncoderOptions {
  bool exact = false;  // activations in float: the oracle for tests (with an F32 file)
  std::shared_ptr<SharedTeam> team = nullptr;  // what it computes on; none: one thread, the caller's
};

class SentenceEncoder {
 public:
  static constexpr size_t kSize = 512;       // floats a vector
  static constexpr size_t kMaxTokens = 128;  // pieces of a text that are read; the rest is left out

  // Errors name the file: not GGUF, another architecture, missing keys or tensors, wrong shapes.
  static Result<std::shared_ptr<const SentenceEncoder>> Open(const std::filesystem::path& path,
                                                             SentenceEncoderOptions options = {});
  static Result<std::shared_ptr<const SentenceEncoder>> FromGguf(const GgufFile& file,
                                                                 SentenceEncoderOptions options = {});
  ~SentenceEncoder();
  SentenceEncoder(const SentenceEncoder&) = delete;
  SentenceEncoder& operator=(const SentenceEncoder&) = delete;

  // kSize floats of length 1. An empty text has a vector too (of no piece).
  std::vector<float> Encode(std::string_view text) const;
  // [texts.size(), kSize], row after row: several at a time take less time each.
  std::vector<float> EncodeMany(std::span<const std::string> texts) const;

  // The pieces that are read, at most kMaxTokens.
  std::vector<int32_t> Tokens(std::string_view text) const;

  const std::string& name() const { return name_; }
  // Of the published weights: what was trained on vectors of one encoder fits no other. 16 hex digits.
  const std::string& id() const { return id_; }

 private:
  struct Weights;
  struct Engine;
  SentenceEncoder();

  std::string name_;
  std::string id_;
  SentencePieces pieces_;
  std::unique_ptr<const Weights> weights_;
  std::unique_ptr<Engine> engine_;
};

// The file of the installed encoder: models/sentence-encoder.gguf of the cache (base/cache_folder.h). What
// scripts/install-models fetched is imported at its first use (a second). kNotFound: one line that says how to get
// it.
Result<std::filesystem::path> FindSentenceEncoder();

// The installed encoder, or null where it is not installed, after one line in the log that says so: for what
// works, less well, without it. Any other failure is an error.
Result<std::shared_ptr<const SentenceEncoder>> OpenInstalledEncoder(SentenceEncoderOptions options = {});

// Of unit vectors of one length.
double Cosine(std::span<const float> a, std::span<const float> b);

}  // namespace sotto
