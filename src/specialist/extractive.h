// The sentences of a text that say the most of it, as they stand there: nothing is written anew. LexRank (Erkan and Radev
// 2004): sentences are alike as their words are (TF-IDF, cosine); the ones that many others are like come first. Pure
// functions; any thread; quadratic in the sentences, of which at most 400 are read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sotto {

struct ExtractedSentence {
  std::string text;
  size_t begin = 0;  // bytes of the text
  size_t end = 0;
  double score = 0;  // sum over all sentences: 1
};
// All sentences in order, with their scores.
std::vector<ExtractedSentence> RankSentences(std::string_view text);
// The best `most` of them, in the order of the text.
std::vector<ExtractedSentence> ExtractSentences(std::string_view text, size_t most);

}  // namespace sotto
