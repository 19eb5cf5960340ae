// An answer that is nothing but the number or the digits that were asked for needs no model: "four five",
// "eighty cents", "it's 45 then 32".
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "brain/offered_tool.h"
#include "brain/said_dates.h"
#include "core/conversation.h"
#include "core/understanding.h"

namespace sotto {

// The call that answers `expectation` (without one: what the one call of the turn before still lacks), with
// what was said of the task before (the last call of it in `history`); none where anything else was said, or
// where it could be meant in more than one way. A value that the slot cannot hold is the call's `unfit`.
std::optional<Understanding::Call> PlainAnswer(const LanguageData& language, const Expectation& expectation,
                                               std::span<const OfferedTool> tools,
                                               std::span<const Turn> history, std::string_view utterance,
                                               Channel channel);

// Where one slot was asked for and the answer says one value for it, the call has that and not what was said before: "then
// on Monday", after no Sunday was possible. A number or digits that were asked for, and of which one is said, are not
// left out. Days and times, numbers and digits; names and listed values are the model's.
void TakeWhatWasAnswered(const LanguageData& language, const Expectation& expectation,
                         std::span<const OfferedTool> tools, std::string_view utterance, Channel channel,
                         const CallDay& day, ToolCall& call);

// What a model leaves out of an answer to a read-back of `call`, as the labels have it: the other values that were said
// ("sorry, fourteen, not forty") where it kept the old ones or understood nothing, and the yes or no that a sentence with a
// change begins with ("yes but from savings"). `others`: OtherValues of the utterance (text/consent.h).
void CompleteCorrection(const LanguageData& language, const ToolCall& read_back, const Json& others,
                        std::string_view unclear_tool, std::string_view utterance,
                        Understanding& understanding);

// What was said of the task of `tool` so far: while it is open its calls carry everything said in it.
Json KnownOf(const std::string& tool, std::span<const Turn> history);

}  // namespace sotto
