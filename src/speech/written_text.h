// Between what is said and how a speech model writes it.
//
//   said                                        written
//   "transfer two hundred fifty dollars"        "Transfer $250." "Transfer two hundred fifty dollars."
//   "it ends in four five three two"            "It ends in 4532." "It ends in 4, 5, 3, 2." ...
//   "can i get a twenty ounce latte"            "Can I get a 20 ounce latte?"
//
// Said: words of lower case letters and apostrophes, numbers spelled out (speech/domain_text.h). English. Pure
// functions: any thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

// Usual spelling of words that are not written small: "netflix" -> "Netflix". "I" and the calendar's words are known.
using SpellingMap = std::map<std::string, std::string, std::less<>>;

struct Writing {
  std::string text;
  float weight = 1;  // of all ways of writing the sentence; they sum to 1
};

// The ways in which a model may write a sentence that was said, likely ones only; empty for an empty sentence.
std::vector<Writing> WaysToWrite(std::string_view said, const SpellingMap& spelling);

// What was said, from what a model wrote: "I'd like to pay $15.99." -> "i'd like to pay fifteen dollars and ninety
// nine cents". Digits in a row that are no number by their marks are read one by one from four on. Any bytes.
std::string SaidWords(std::string_view written);

// Where each word of SaidWords(written) came from: [begin, end) bytes of `written`.
struct SaidWord {
  std::string text;
  size_t begin = 0;
  size_t end = 0;
};
std::vector<SaidWord> SplitSaidWords(std::string_view written);

}  // namespace sotto
