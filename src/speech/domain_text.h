// The sentences that a recognizer is prepared for: what callers of one workflow say, by what was just asked.
// Everything is words as spoken: lower case letters and apostrophes, numbers spelled out.
//
// Sources, in this order: the workflow's `speech.txt` (one sentence a line, written by `sotto train`); else
// its examples and seed conversations with values filled in. Answers to single questions (yes/no, digits,
// amounts, choices) are generated from the entities. Deterministic by seed. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
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

struct DomainText {
  std::vector<std::string> open;
  std::vector<std::string> yes_no;
  std::vector<std::string> digits;
  std::vector<std::string> amount;
  std::vector<std::string> choice;
  // Values of several words ("a little bit of milk"), which the recognizer may know as units.
  std::vector<std::string> phrases;
  std::string language = "en";  // of the workflow
  // Words that are not written small, as they are written: "netflix" -> "Netflix". From the listed values.
  std::map<std::string, std::string, std::less<>> spelling;

  const std::vector<std::string>& For(ListeningMode mode) const;
};

Result<DomainText> MakeDomainText(const Workflow& workflow, uint64_t seed);

// `sentence` as one way of saying it: digits become words ("$15.99": amount; four digits in a row: one by one
// or as a number, chosen by `variant`), everything but letters and apostrophes goes. Empty if nothing is
// left.
std::string SpeakableWords(std::string_view sentence, unsigned variant = 0);

// 1234 -> "one thousand two hundred thirty four". REQUIRES: 0 <= number < 10^12.
std::string NumberWords(int64_t number);

}  // namespace sotto
