// How a conversation becomes tokens: fixed parts first, then turn after turn, so that everything but the
// newest words is already in the KV cache.
//
//   prefix (system, tools) | turn | turn | ... | opening (expectation) | utterance | close -> calls
//
// Each part is encoded on its own and parts are only ever appended, so the tokens of a longer conversation
// begin with those of the shorter one. Two forms: the specialist's own (docs/formats/specialist.md) and a
// chat template.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "brain/call_decoder.h"
#include "brain/offered_tool.h"
#include "core/conversation.h"
#include "slm/model.h"

namespace sotto {

// Immutable, any thread.
class PromptForm {
 public:
  virtual ~PromptForm() = default;

  virtual std::vector<TokenId> Prefix(std::span<const ToolSpec> tools) const = 0;
  // A finished turn: what was said and the calls it became.
  virtual std::vector<TokenId> PastTurn(const Turn& turn, std::span<const OfferedTool> tools) const = 0;
  // What stands before the utterance.
  virtual std::vector<TokenId> Opening(const Expectation& expectation) const = 0;
  // `original`: as heard; `normalised`: text/normalise.h. User text never becomes a special token.
  virtual std::vector<TokenId> Utterance(std::string_view original, std::string_view normalised) const = 0;
  // What stands between the utterance and its first call.
  virtual std::vector<TokenId> Close() const = 0;
  virtual const CallFrame& frame() const = 0;
};

// The form that the model's metadata asks for. Errors: a template that is not known (the known ones are
// listed), or a special token that the vocabulary lacks.
Result<std::unique_ptr<const PromptForm>> MakePromptForm(std::shared_ptr<const Model> model);

// Special tokens of the specialist's form (GGUF metadata `sotto.normaliser` = "spoken").
namespace specialist {
inline constexpr std::string_view kBos = "<|bos|>";
inline constexpr std::string_view kUser = "<|user|>";
inline constexpr std::string_view kState = "<|state|>";
inline constexpr std::string_view kCall = "<|call|>";
inline constexpr std::string_view kEnd = "<|end|>";
}  // namespace specialist

}  // namespace sotto
