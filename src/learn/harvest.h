// What a recogniser really mishears, out of pairs of what was said and what was heard: the two are aligned
// word by word (fewest edits), and stretches that differ become confusions ("savings" heard as "save ins").
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sotto {

struct HeardAs {
  std::string said;   // one word
  std::string heard;  // one to three words
  bool operator==(const HeardAs&) const = default;
};

// The stretches of `heard` that stand for one other word of `said`. Words left out or added give nothing.
std::vector<HeardAs> AlignHeard(std::string_view said, std::string_view heard);

// Edits (substitutions, omissions, additions) that turn `said` into `heard`, in words.
size_t WordEdits(std::string_view said, std::string_view heard);

// Counts confusions and writes those that came up at least `least` times as word TAB heard TAB heard ...
class ConfusionCounts {
 public:
  void Add(std::string_view said, std::string_view heard);

  size_t n_sentences() const { return n_sentences_; }
  double word_error_rate() const;
  // Alphabetical; the most frequent first in a line, at most `most` of a word.
  std::string ToTable(size_t least, size_t most) const;
  size_t n_words() const { return counts_.size(); }

 private:
  size_t n_sentences_ = 0;
  size_t n_words_ = 0;
  size_t n_edits_ = 0;
  std::map<std::string, std::map<std::string, size_t>> counts_;
};

}  // namespace sotto
