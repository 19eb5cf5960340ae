// What people say to desks of all kinds, word by word: counted over the callers of corpus/ (scripts/make-frequent-words),
// 120,000 words. What a workflow's own sentences do not hold is expected by this. English. Any thread.
#pragma once

#include <span>
#include <string_view>

namespace sotto {

struct FrequentWord {
  std::string_view word;  // lower case letters and apostrophes; static storage
  float count = 0;
};

// The most frequent first.
std::span<const FrequentWord> FrequentWords();

}  // namespace sotto
