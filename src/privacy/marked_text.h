// A text's words with what the language's lists say of each: made once a scan, read by every finder. Internal
// to the privacy layer.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "privacy/language.h"
#include "privacy/text_words.h"

namespace sotto {

class MarkedText {
 public:
  // `before`: what was said or asked just before, empty where nothing was: its last cue holds for values that
  // begin this text. `language` and both texts outlive it.
  MarkedText(const PrivacyLanguage& language, std::string_view text, std::string_view before = {});

  const PrivacyLanguage& language() const { return language_; }
  const TextWords& words() const { return words_; }
  std::string_view text() const { return words_.text(); }
  size_t size() const { return words_.size(); }
  std::string_view Lower(size_t i) const { return words_.Lower(i); }

  // The list's phrases that begin at the word.
  std::span<const PrivacyLanguage::Match> MatchesAt(size_t i) const;
  // The words that the longest phrase of the list has from `i` on, 0: none begins there.
  size_t Matches(PrivacyList list, size_t i) const;
  // Whether the word is within a phrase of the list.
  bool Within(PrivacyList list, size_t i) const {
    return (lists_[i] >> static_cast<unsigned>(list) & 1U) != 0;
  }
  // Bit `list` of every list that the word is within a phrase of.
  uint64_t ListsOf(size_t i) const { return lists_[i]; }
  uint16_t Bits(size_t i) const { return bits_[i]; }

  // What the words around [first, last) say that they are: the nearest cue of `allowed` (bits of lists) before
  // them in the sentence, else right behind them ("1234 is my pin"), else at the end of what was asked.
  std::optional<PrivacyList> CueFor(size_t first, size_t last, uint64_t allowed) const;

  // The bytes of the words [first, last).
  size_t BeginOf(size_t first) const { return words_[first].begin; }
  size_t EndOf(size_t last) const { return words_[last - 1].end; }

 private:
  std::optional<PrivacyList> CueBefore(size_t first, uint64_t allowed) const;
  std::optional<PrivacyList> CueBehind(size_t last, uint64_t allowed) const;

  const PrivacyLanguage& language_;
  TextWords words_;
  std::vector<PrivacyLanguage::Match> matches_;
  std::vector<uint32_t> ends_;  // of matches_, one a word
  std::vector<uint64_t> lists_;
  std::vector<uint16_t> bits_;
  std::vector<PrivacyList> asked_;  // cues of `before`, the last one first
};

constexpr uint64_t ListBit(PrivacyList list) { return uint64_t{1} << static_cast<unsigned>(list); }

}  // namespace sotto
