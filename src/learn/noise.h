// What a speech recogniser and a hesitating speaker do to a sentence: fillers, false starts, repetitions,
// words split and joined, homophones, dropped endings, misspellings, small words lost. Words that carry a
// value are changed to homophones only, words of a free-text value not at all.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "core/conversation.h"
#include "learn/utterance.h"

namespace sotto {

struct NoiseLevel {
  double word_errors = 0;    // chance that a word is misheard
  double fillers = 0;        // chance of a filler before a word
  double false_starts = 0;   // chance that a word is begun twice: "can- cancel"
  double homophones = 0.45;  // share of the errors that are homophones, where the word has one
};

// What words are misheard as. Immutable once built.
class Confusions {
 public:
  // The built-in table (src/learn/data/confusions.tsv: word TAB heard TAB heard ...).
  static Confusions BuiltIn();
  // Adds the lines of a file of that form (`sotto harvest` writes one). The error names path and line.
  Result<void> AddFile(const std::string& path);
  void Add(std::string_view word, std::string_view heard);

  // Something that sounds like `word` (lower case), from the table or by rule; empty where nothing fits.
  std::string SoundsLike(std::string_view word, Random& random) const;
  // From the table only: true homophones and recogniser confusions, safe for words that carry a value.
  std::string Homophone(std::string_view word, Random& random) const;
  size_t size() const { return table_.size(); }

 private:
  void AddLines(std::string_view text);

  std::map<std::string, std::vector<std::string>, std::less<>> table_;
};

// In place. Punctuation at the end of a word stays.
void AddNoise(SpokenWords& words, const NoiseLevel& level, const Confusions& confusions, Random& random);

// The user texts of a labelled conversation with `word_errors` errors a word (design 3.3: --word-errors).
// Which words carry values is read from the calls: digits, number words, words of text values and everything
// that is within an enum value's name.
void CorruptConversation(Conversation& conversation, double word_errors, const Confusions& confusions,
                         Random& random);

}  // namespace sotto
