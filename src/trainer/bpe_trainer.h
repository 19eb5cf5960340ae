// Learns a byte-level BPE vocabulary from texts: 256 byte tokens, then one token a merge, the most frequent
// pair first (Sennrich et al. 2016; GPT-2's byte alphabet and the "smollm" word split, every digit alone).
// Pure function of its input: ties go to the pair that was seen first.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sotto {

// In the byte alphabet, as GGUF stores them.
struct BpeVocabulary {
  std::vector<std::string> tokens;  // bytes in order of value, then the merges' results
  std::vector<std::string> merges;  // "left right"
};

class BpeTrainer {
 public:
  // Counts the words of a text `count` times.
  void Add(std::string_view text, size_t count = 1);
  size_t n_words() const { return counts_.size(); }
  // At most `n_merges`; stops where no pair occurs at least `min_count` times.
  BpeVocabulary Train(size_t n_merges, size_t min_count = 2) const;

 private:
  std::map<std::string, size_t, std::less<>> counts_;
};

// GPT-2's printable stand-in for each byte, UTF-8.
std::string ByteAlphabetText(std::string_view bytes);

}  // namespace sotto
