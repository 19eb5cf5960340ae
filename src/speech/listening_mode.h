// What a recogniser is told to expect of the next utterance.
#pragma once

#include <string_view>

#include "core/conversation.h"
#include "workflow/workflow.h"

namespace sotto {

// What the next utterance probably is. The recognizer has one language model for each; all of them know all
// words, so that a correction or a change of task is still heard.
enum class ListeningMode { kOpen, kYesNo, kDigits, kAmount, kChoice };
inline constexpr ListeningMode kListeningModes[] = {ListeningMode::kOpen, ListeningMode::kYesNo,
                                                    ListeningMode::kDigits, ListeningMode::kAmount,
                                                    ListeningMode::kChoice};
std::string_view ListeningModeName(ListeningMode mode);

// kSlots: by the entity of the slot asked for (several slots: kOpen); kConfirm and kOffer: kYesNo.
ListeningMode ListeningModeFor(const Workflow& workflow, const Expectation& expectation);

}  // namespace sotto
