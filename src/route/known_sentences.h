// How like what is said is to what is known: sentences with the tool that each asks for (a workflow's seeds and what was
// written for it), compared by their words, rare ones counting more (TF-IDF, cosine). A second opinion that costs no model:
// the tools of the nearest ones, and how much of it nobody ever said.
// Immutable; any thread; some 10 us a sentence among 5,000.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sotto {

struct KnownSentence {
  std::string said;
  std::string tool;  // the first that it asks for
};

class KnownSentences {
 public:
  explicit KnownSentences(std::span<const KnownSentence> sentences);

  struct Likeness {
    double unseen = 1;     // share of the words, by weight, that stand in none
    double nearest = 0;    // cosine with the nearest
    double agreement = 0;  // share of the nearest ones, by nearness, that ask for the tool
  };
  Likeness Compare(std::string_view said, std::string_view tool) const;

  // Of all sentences and tools: what was fitted with some fits no others. 16 hex digits.
  const std::string& id() const { return id_; }
  size_t size() const { return tools_.size(); }

 private:
  struct Place {
    uint32_t sentence;
    float weight;  // of the word in it, the sentence's length being 1
  };
  struct Word {
    float weight = 0;  // the rarer, the more
    bool finds = true;
    std::vector<Place> places;
  };

  std::string id_;
  std::vector<uint32_t> tools_;  // of each sentence, into names_
  std::vector<std::string> names_;
  std::unordered_map<std::string, Word> words_;
  float unseen_weight_ = 0;
};

}  // namespace sotto
