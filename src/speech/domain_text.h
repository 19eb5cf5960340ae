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
#include "speech/listening_mode.h"
#include "speech/speakable_words.h"
#include "workflow/workflow.h"

namespace sotto {

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

}  // namespace sotto
