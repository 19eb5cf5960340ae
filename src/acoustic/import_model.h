// Published models in ONNX, written anew as the GGUF that this layer reads: Moonshine (encoder, merged
// decoder) and Silero VAD. What the files hold decides which of them it is.
//
// Weights are dequantised exactly and stored as Q8_0 (matrices; where a block's values are whole multiples of
// the original scale within 127, they stay so) or F32 (the rest). Licence and origin go into the metadata. An
// ONNX with other operations or shapes is refused with one line. Nothing of a package is executed: its script
// with the vocabulary is read as text.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acoustic/onnx_file.h"
#include "base/error.h"
#include "slm/imported_tensors.h"

namespace sotto {

class GgufWriter;

// The pieces of a vocabulary by id.
struct Vocabulary {
  std::vector<std::string> pieces;
  std::string sha256;  // of where it was read
};
// From llama-tokenizer-js: the base64 constant `llama_vocab_base64` of the script. Errors name `name`.
Result<Vocabulary> ReadVocabulary(std::string_view script, std::string_view name);

// Adds metadata and tensors. Errors name file and tensor or node.
Result<void> ImportMoonshine(const OnnxFile& encoder, const OnnxFile& decoder, const Vocabulary& vocabulary,
                             const ImportOptions& options, GgufWriter& writer);
Result<void> ImportSilero(const OnnxFile& file, const ImportOptions& options, GgufWriter& writer);

// What `sotto model import` does: the ONNX files and the script with the vocabulary among `paths` (files, or
// folders that are searched) become `out`. kInvalidArgument lists what is missing or too much. Returns
// general.name.
Result<std::string> ImportModel(std::span<const std::filesystem::path> paths,
                                const std::filesystem::path& out, const ImportOptions& options);

}  // namespace sotto
