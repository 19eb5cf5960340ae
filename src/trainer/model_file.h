// Trained weights as a GGUF model file of architecture qwen3, and back.
//
// Fused matrices are split on the way out (attn_q, attn_k, attn_v; ffn_gate, ffn_up) and joined on the way
// in. The embedding is tied: there is no output.weight. Written to a temporary name and renamed.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "nn/block_formats.h"
#include "trainer/decoder.h"
#include "trainer/vocabulary.h"

namespace sotto {

struct ModelFileInfo {
  std::string name;         // general.name
  std::string description;  // general.description
  std::string licence;      // general.license, may be empty
  std::string workflow_hash =
      {};  // sotto.workflow_hash: of the workflow.yaml it was trained for; may be empty
};

// Matrices and the embedding as `type`, gains as F32.
Result<void> WriteModelFile(const std::filesystem::path& path, const Weights& weights,
                            const TrainVocabulary& vocabulary, DType type, const ModelFileInfo& info);

// The same in memory.
Result<std::shared_ptr<const GgufFile>> MakeModelFile(const Weights& weights,
                                                      const TrainVocabulary& vocabulary, DType type,
                                                      const ModelFileInfo& info);

// The weights of any tied qwen3 model, whatever its tensor types.
Result<Weights> ReadWeights(const GgufFile& file);

// One tensor of the file as rows [first, first + rows) of a parameter.
struct TensorPiece {
  std::string name;
  size_t parameter;
  int64_t first;
  int64_t rows;
};
std::vector<TensorPiece> TensorPieces(const Weights& weights);

// A model of ours, with its vocabulary.
struct LoadedModel {
  Weights weights;
  TrainVocabulary vocabulary;
};
Result<LoadedModel> ReadModelFile(const std::filesystem::path& path);

// The weights of `base` for a vocabulary that begins with the base's own base part: rows that the base lacks
// start composed of what they mean (trainer/composed_rows.h), so that "check_balance" begins near its words.
Result<Weights> ExtendToVocabulary(const LoadedModel& base, const TrainVocabulary& vocabulary,
                                   Random& random);

// Rounds every matrix as `type` would, in place: what the engine will compute with.
void RoundWeights(DType type, Weights& weights);

}  // namespace sotto
