// The published sentence encoder (Universal Sentence Encoder Lite, a TensorFlow.js graph model) written anew as
// the GGUF that sentence_encoder.h reads. Nothing of the package is executed: its weights are read by name,
// its graph only held against the operations that this layer computes, and a model of other operations, names
// or shapes is refused with one line that names the file and the weight.
//
// GGUF: architecture kSentenceEncoderArchitecture; matrices [columns = inputs, rows = outputs] as Q8_0 or F32,
// the rest F32: token_embd.weight, timing, blk.{0,1}.{attn_norm, attn_qkv, attn_output, ffn_norm, ffn_up,
// ffn_down}.{weight, bias}, blk.0.residual.{weight, bias}, output.{weight, bias}; the pieces with their scores
// (F64: ties are decided in doubles).
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "embed/sentence_pieces.h"
#include "slm/imported_tensors.h"

namespace sotto {

inline constexpr std::string_view kSentenceEncoderArchitecture = "sentence-encoder-lite";
inline constexpr std::string_view kEncoderSha256Key = "sotto.import.sha256";

// What a model.json of TensorFlow.js says of its weights.
struct TfjsWeight {
  std::vector<size_t> shape;
  size_t offset = 0;  // bytes, in all shards one after the other
  size_t n = 0;       // elements
  bool floats = false;
};
struct TfjsModel {
  std::string path;
  std::vector<std::string> shards;  // file names, in order
  std::map<std::string, TfjsWeight> weights;
  size_t size_bytes = 0;  // of all weights
};
// `source`: for messages. kUnsupported: quantised weights, operations that are not the encoder's.
Result<TfjsModel> ReadTfjsModel(std::string_view text, std::string_view source);

// `weights`: the shards one after the other; `vocabulary`: vocab.json, an array of [piece, score].
Result<void> ImportSentenceEncoder(const TfjsModel& model, std::string_view weights,
                                   std::string_view vocabulary, const ImportOptions& options,
                                   GgufWriter& writer);

// Whether a folder holds a model of TensorFlow.js.
bool HoldsTfjsModel(const std::filesystem::path& folder);
// What `sotto model import` does with such a folder (model.json, vocab.json, the shards). Returns general.name.
Result<std::string> ImportSentenceEncoderFolder(const std::filesystem::path& folder,
                                                const std::filesystem::path& out,
                                                const ImportOptions& options);

// The pieces that an imported file has.
Result<SentencePieces> ReadSentencePieces(const GgufFile& file);

}  // namespace sotto
