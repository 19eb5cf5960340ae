// How a call is written for the model: ordinary JSON with one spacing, arguments in schema order, free text
// normalised. The trainer writes exactly this, so what the model saw in training is what the decoder may
// produce.
#pragma once

#include <span>
#include <string>

#include "brain/offered_tool.h"
#include "core/conversation.h"

namespace sotto {

// {"name": "transfer_money", "arguments": {"amount": 200, "from_account": "checking"}}
// `tool` may be null (a call of a tool that is not offered): arguments then keep their order.
std::string CallText(const ToolCall& call, const OfferedTool* tool);
// Several calls follow one another without a separator.
std::string CallsText(std::span<const ToolCall> calls, std::span<const OfferedTool> tools);

// The value as it is written for the model: integral numbers without a point; `spoken`: free text in spoken
// form.
Json WrittenValue(const Json& value, const OfferedArgument& argument, bool spoken);

// A JSON literal with ", " and ": ", numbers in their shortest decimal form (200, 15.99).
std::string LiteralText(const Json& value);

// "ask transfer_money amount to_account", "confirm transfer_money", "offer cancel_card"; "" for kNone.
std::string ExpectationText(const Expectation& expectation);

}  // namespace sotto
