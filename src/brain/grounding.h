// Which values an argument may take in this turn: only what was said in this conversation or is listed in the
// workflow.
//
// Numbers: those that were said plainly (text/said_numbers.h). Digits: whole numbers of the wanted length, or
// the last digits of a long one (text/said_digits.h). What only sounds like a number counts in speech, where
// nothing plain was said. A value of the newest utterance that the slot cannot hold (beyond its limits, of
// another length or currency, an alternative) is a candidate too, marked with what is wrong with it. Text:
// spans of the user's words, and listed values. The model writes values in normalised form (`literal`); the
// call gets the user's own spelling (`value`).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brain/offered_tool.h"
#include "brain/said_dates.h"
#include "core/conversation.h"
#include "text/language_data.h"
#include "text/normalise.h"
#include "text/spoken_numbers.h"

namespace sotto {

struct GroundedValue {
  std::string literal;  // JSON text, as the model writes it
  Json value;           // as it stands in the call
  std::string unfit;    // why it cannot stand there (UnfitValue::why); empty: it can
};

// The `unfit` of every value of a closed list where none of them was named: a value was meant, but none of
// these.
inline constexpr const char* kNotListed = "not_listed";

class Grounding {
 public:
  static constexpr size_t kMaxSpanWords = 6;

  // `language` outlives it. `utterance` is the newest; earlier user texts and the values of earlier calls
  // count as said. `day`: what "tomorrow" is.
  Grounding(const LanguageData& language, std::span<const Turn> history, std::string_view utterance,
            Channel channel = Channel::kTyped, const CallDay& day = {});
  Grounding(const Grounding&) = delete;
  Grounding& operator=(const Grounding&) = delete;

  // Distinct values for `argument`, those of the newest utterance first. Empty: the argument cannot be
  // filled. `known`: what is known of the same call, besides what the history says. REQUIRES: argument.kind is
  // not kSchema.
  std::vector<GroundedValue> Candidates(const OfferedArgument& argument,
                                        const Json& known = Json::object()) const;

  // The newest utterance, normalised, and what was read in it.
  const std::string& normalised() const { return normalised_; }
  std::span<const NormalisedWord> words() const { return said_.front().words; }
  std::span<const NumberReading> numbers() const { return said_.front().readings; }

 private:
  struct Utterance {
    std::string text;
    std::vector<NormalisedWord> words;
    std::vector<NumberReading> readings;
    std::vector<std::string_view>
        naming;  // into words; those inside idioms empty: "saving grace" names no account
  };
  void AddChoices(const OfferedArgument& argument, std::vector<GroundedValue>& out) const;
  void AddNumbers(const OfferedArgument& argument, const Json& known, std::vector<GroundedValue>& out) const;
  void AddDigits(const OfferedArgument& argument, std::vector<GroundedValue>& out) const;
  void AddUnfitDigits(const OfferedArgument& argument, std::vector<GroundedValue>& out) const;
  const NumberWanted& Wanted(const OfferedArgument& argument, const Json& known) const;
  bool WasHinted(const OfferedArgument::Listed& listed) const;
  bool MayBeMisheard(const OfferedArgument::Listed& listed) const;
  void AddCalendar(const OfferedArgument& argument, std::vector<GroundedValue>& out) const;
  void AddSpans(const OfferedArgument& argument, std::vector<GroundedValue>& out) const;
  void AddEarlierCalls(const OfferedArgument& argument, std::vector<GroundedValue>& out) const;

  const LanguageData& language_;
  const Channel channel_;
  std::vector<Utterance> said_;          // newest first
  std::vector<ToolCall> earlier_calls_;  // newest first
  std::string normalised_;
  CallDay day_;
};

}  // namespace sotto
