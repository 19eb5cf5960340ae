// Lists of phrases, one pattern a line, the form in which a language's data is written
// (docs/formats/language.md):
//
//   (a|b|c)   one of them, an empty one is allowed        [x]   x or nothing
//   ^         at the beginning: what stands before it does not count (PhraseList::MatchesAt)
//   $         the sentence ends here
//   _         any one word
//
// Phrases are kept in spoken form (text/normalise.h): "that's" is written as people write it. Immutable after
// Parse; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace sotto {

// Every sentence of a pattern's alternatives, in order, at most `limit` of them (an error beyond). The words
// are as written, one space between them. The error says what is wrong with `pattern`.
Result<std::vector<std::string>> ExpandPattern(std::string_view pattern, size_t limit = 20000);

class PhraseList {
 public:
  // Adds all alternatives of one line.
  Result<void> Add(std::string_view pattern);

  // Adds these words as they are, whatever signs stand in them: "AT&T".
  void AddWords(std::string_view text);

  // The number of words from `at` that the longest matching phrase has, 0: none. `beginning`: phrases with
  // '^' may match here.
  size_t MatchesAt(std::span<const std::string_view> words, size_t at, bool beginning = false) const;
  // The words the phrases from `at` may have, each length once, longest first.
  std::vector<size_t> LengthsAt(std::span<const std::string_view> words, size_t at,
                                bool beginning = false) const;
  // Whether any phrase stands anywhere; those with '^' only at `beginning`.
  bool Found(std::span<const std::string_view> words, size_t beginning = 0) const;

  bool empty() const { return phrases_.empty(); }
  // Every phrase, its words joined by spaces, in alphabetical order.
  std::vector<std::string> Texts() const;

 private:
  struct Phrase {
    std::vector<std::string> words;
    bool at_beginning = false;
    bool at_end = false;
  };
  std::unordered_map<std::string, std::vector<Phrase>> phrases_;  // by first word
};

}  // namespace sotto
