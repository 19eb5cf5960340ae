// Values for the placeholders of redacted turns ("block <card_1>", card=<card_1>), so that a model can learn
// from them: invented ones that the slot takes, the same in the words and in the call, and in the calls of
// later turns that carry it on. Nobody's values: drawn by a generator that the turn's names seed. Names that no call
// is about are left out of the words.
#pragma once

#include <string>

#include "core/conversation.h"
#include "workflow/workflow.h"

namespace sotto {

// Whether a text holds one: "<card_1>".
bool HasPlaceholder(std::string_view text);
// "card_1" of "<card_1>", where that is the whole text; empty: it is not.
std::string_view PlaceholderIn(std::string_view text);

// In place; how many were filled. Placeholders are numbered turn by turn. `spoken`: the words are a
// recogniser's, digits are said one by one.
size_t FillPlaceholders(Conversation& conversation, const Workflow& workflow, bool spoken,
                        const std::string& seed);

}  // namespace sotto
