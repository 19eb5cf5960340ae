// The checks that every labelled turn passes before a model learns from it: the schema, and the grounding that
// the decoder is bound by (brain/grounding.h). A call must name a tool of the workflow (or a control tool)
// with arguments of that tool, and every number, digit string, name and date must be one that the decoder could
// read in the words, were they spoken: what only sounds like a number counts where nothing plain was said.
// Values of closed lists are not looked at: the words that mean them may be of any kind.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "brain/offered_tool.h"
#include "core/conversation.h"
#include "workflow/workflow.h"

namespace sotto {

class Grounding;

// Immutable; any thread.
class LabelRules {
 public:
  // `workflow` outlives it.
  explicit LabelRules(const Workflow& workflow);

  // Whether the decoder could choose the values of `turn`'s calls after `history`, on that day.
  bool IsGrounded(const Conversation& history, const Turn& turn) const;

  // The first wrong turn of a conversation: "turn 3: ...".
  std::optional<std::string> WhyInvalid(const Conversation& conversation) const;
  // The same without grounding.
  std::optional<std::string> WhyMalformed(const Conversation& conversation) const;

  // Why `calls`, of somebody whom the decoder does not bind (a model elsewhere, a cache that others write), are
  // none that the decoder could have made of `utterance` after `history`, with `offered` as BrainSession::Begin
  // takes it. Values of closed lists are looked at too. Names tools and arguments that there are, and nothing
  // that was said or answered. Null: they may stand.
  std::optional<std::string> WhyNotDecodable(const Conversation& history,
                                             std::span<const std::string> offered, std::string_view utterance,
                                             std::span<const ToolCall> calls) const;
  static constexpr size_t kMaxCalls = 4;  // of one turn, as the decoder has it

 private:
  std::optional<std::string> WhyMalformed(const Turn& turn) const;
  std::optional<std::string> WhyCallIsNone(const ToolCall& call, const OfferedTool& tool,
                                           const Grounding& grounding) const;
  std::optional<std::string> WhyUngrounded(std::span<const Turn> history, const Turn& turn,
                                           std::optional<Date> today) const;

  const Workflow& workflow_;
  std::map<std::string, OfferedTool, std::less<>> offered_;
};

}  // namespace sotto
