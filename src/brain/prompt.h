// How a conversation becomes tokens: fixed parts first, then turn after turn, so that everything but the
// newest words is already in the KV cache.
//
//   prefix (system, tools) | turn | turn | ... | opening (expectation) | utterance | close -> calls
//
// Each part is encoded on its own and parts are only ever appended, so the tokens of a longer conversation
// begin with those of the shorter one (but for tails that a template rewrites: the session computes them
// again in Begin). The texts come from the model's chat template (slm/chat_template.h); a specialist reads
// spoken forms (docs/formats/specialist.md), other models the user's own spelling.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brain/call_decoder.h"
#include "brain/offered_tool.h"
#include "core/conversation.h"
#include "slm/chat_template.h"
#include "slm/model.h"

namespace sotto {

// Immutable, any thread.
class PromptForm {
 public:
  // `family` empty: as the model's metadata says. Errors: no known template (the known ones are listed), or a
  // vocabulary without the token that ends a turn.
  static Result<PromptForm> Create(std::shared_ptr<const Model> model, std::string_view family);

  // A model of `sotto train`: the tools are in its weights, text is in spoken form.
  bool is_specialist() const { return specialist_; }
  const CallFrame& frame() const { return frame_; }

  // What is the same for every conversation with these tools.
  ChatSetup Setup(const Workflow& workflow, std::span<const ToolSpec> tools) const;
  std::vector<TokenId> Prefix(const ChatSetup& setup) const;
  // A finished turn: what was said and the calls it became.
  std::vector<TokenId> PastTurn(const ChatSetup& setup, bool first, const Turn& turn,
                                std::span<const OfferedTool> tools) const;
  // What stands before the utterance.
  std::vector<TokenId> Opening(const ChatSetup& setup, bool first, const Expectation& expectation) const;
  // `original`: as heard or typed. A specialist reads its spoken form with rare numbers in figures
  // (text/plain_figures.h). User text never becomes a special token.
  std::vector<TokenId> Utterance(std::string_view original) const;
  // What stands between the utterance and its first call.
  std::vector<TokenId> Close() const;

 private:
  PromptForm(std::shared_ptr<const Model> model, ChatTemplate chat);

  std::shared_ptr<const Model> model_;
  ChatTemplate chat_;
  CallFrame frame_;
  bool specialist_ = false;
};

}  // namespace sotto
