// The words of an answer to a read-back, and what of the read-back stands where in them: its values, in any of their
// forms, other values of its slots, words of its own. What a yes may hold is text/consent.h's to say. Slips of the
// keyboard for words that agree ("yse") are mended first. Refers to the language and the read-back, which must outlive it.
// Constant after construction; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/consent.h"
#include "text/normalise.h"
#include "text/spoken_numbers.h"

namespace sotto {

class AnswerWords {
 public:
  AnswerWords(const LanguageData& language, std::string_view text, const ReadBack& read_back);
  AnswerWords(const AnswerWords&) = delete;  // its views are of its own words
  AnswerWords& operator=(const AnswerWords&) = delete;

  const std::vector<std::string_view>& words() const { return words_; }
  bool asks() const { return asks_; }  // has a question mark
  bool PauseBefore(size_t at) const { return (normalised_[at].before & NormalisedWord::kPause) != 0; }

  // Lengths in words of what begins at `at`; 0: nothing of the kind.
  size_t NameAt(size_t at) const;  // of the assistant
  size_t SaidAt(
      size_t at) const;  // words of the read-back in its order: two, or one that says something by itself
  size_t PlainValueAt(size_t at) const;  // a value that was read back
  // Values that were read back with what belongs to them ("from my checking", "two hundred dollars"), each way to read
  // them; a value that could be of two slots only where the other follows.
  std::vector<size_t> ValuesAt(size_t at) const;

  // The longest number that begins there; null: none. Stands as long as this does.
  const NumberReading* NumberAt(size_t at) const;
  // A listed value of a slot that is not the one it has.
  bool OtherValueAt(size_t at) const;
  // "to John": after a slot's marker something that nobody read back. Numbers are told by themselves.
  bool UnknownValueAt(size_t at, bool only_prepositions) const;

  // A number that is not what was read back and no part of a phrase: "one moment", "that's the one".
  bool NamesOtherNumber() const;
  bool NamesOtherValue() const;
  // What other values the words give, to one slot each (text/consent.h, OtherValues).
  Json OtherValues() const;

 private:
  struct Known {  // a slot that was read back
    const ToolWords::Slot* slot;
    const Json* value;
    PhraseList own;  // the value's own words
  };

  void AddSaid(std::string_view said);
  bool InsidePhrase(const NumberReading& reading) const;
  bool SameNumber(const Known& known, const NumberReading& reading) const;
  bool IsKnownNumber(const NumberReading& maximal) const;
  size_t ValueOf(const Known& known, size_t at) const;
  std::optional<Json> OtherValueOf(const ToolWords::Slot& slot) const;
  bool Ambiguous(const Known& known, bool* first) const;
  size_t PastDeterminers(const Known& known, size_t at) const;
  bool OthersFollow(const Known& known, size_t from) const;

  const LanguageData& language_;
  const ReadBack& back_;
  const bool asks_;
  const std::vector<NormalisedWord> normalised_;
  const std::vector<std::string_view> words_;
  const std::vector<NumberReading> readings_;
  std::vector<Known> known_;
  std::vector<std::vector<std::string>> said_;  // clauses, in words
};

}  // namespace sotto
