// The vocabulary of a specialist: control tokens, byte-level BPE, and call fragments.
//
// Ids: the six control tokens, the 256 bytes, the merges, then the fragments. Everything before the fragments
// is the base vocabulary that all specialists share, so that weights of a base model carry over row by row.
// Fragments are user-defined tokens (matched in any text, longest first), one a decision:
//   {"name": "TOOL", "arguments": {      "ARG":␣      , "ARG":␣      "ENUM VALUE"      }}
// so that a call is ordinary JSON that costs few steps. A plain value.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/tool.h"
#include "slm/gguf_writer.h"
#include "slm/tokenizer.h"
#include "trainer/bpe_trainer.h"

namespace sotto {

// Ids of the control tokens.
namespace control_token {
inline constexpr TokenId kBos = 0;
inline constexpr TokenId kUser = 1;
inline constexpr TokenId kState = 2;
inline constexpr TokenId kCall = 3;
inline constexpr TokenId kEnd = 4;
inline constexpr TokenId kPad = 5;
}  // namespace control_token

struct TrainVocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;  // TokenType
  std::vector<std::string> merges;
  size_t n_base = 0;                            // tokens before the fragments
  std::map<std::string, std::string> meanings;  // of fragments; not in the file

  static TrainVocabulary FromBpe(const BpeVocabulary& bpe);
  // The base part of a model made by `sotto train`.
  static Result<TrainVocabulary> BaseOf(const GgufFile& file);
  // All of it.
  static Result<TrainVocabulary> Of(const GgufFile& file);
  // Appends what is not there yet.
  void AddFragments(std::span<const ToolSpec> tools);
  void AddFragment(std::string text, std::string meaning = "");
  // The words that say what a fragment is: names and descriptions where AddFragments knew them, else the
  // words of its text. Empty where it has none.
  std::string MeaningOf(size_t id) const;

  // tokenizer.* and sotto.* keys.
  void Write(GgufWriter& writer) const;
  Result<std::shared_ptr<const Tokenizer>> MakeTokenizer() const;
};

}  // namespace sotto
