#include "route/known_sentences.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/sha256.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kNearest = 10;
// Words of more than this share of the sentences find nothing: they count for how long a sentence is, and no more.
constexpr float kCommonOneIn = 8;
constexpr size_t kFewSentences = 100;  // among so few every word may find

// The words with how often each stands there; numbers are one word, whatever they are.
std::map<std::string, int> CountedWords(std::string_view said) {
  std::map<std::string, int> counts;
  const std::string normalised = NormaliseSpoken(said);
  for (const std::string_view word : SplitWords(normalised)) {
    const bool number = std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
    ++counts[number ? "#" : std::string(word)];
  }
  return counts;
}

}  // namespace

KnownSentences::KnownSentences(std::span<const KnownSentence> sentences) {
  std::map<std::string, uint32_t, std::less<>> numbers;
  std::string all;
  std::vector<std::map<std::string, int>> counted;
  for (const KnownSentence& sentence : sentences) {
    const auto [tool, added] = numbers.try_emplace(sentence.tool, static_cast<uint32_t>(names_.size()));
    if (added) names_.push_back(sentence.tool);
    tools_.push_back(tool->second);
    counted.push_back(CountedWords(sentence.said));
    for (const auto& [word, unused] : counted.back()) words_[word].weight += 1;
    all += sentence.said + '\0' + sentence.tool + '\0';
  }
  id_ = Sha256(all).substr(0, 16);
  const auto n = static_cast<float>(sentences.size());
  for (auto& [unused, word] : words_) {
    word.finds = sentences.size() < kFewSentences || word.weight * kCommonOneIn <= n;
    word.weight = std::log(1 + n / word.weight);
  }
  unseen_weight_ = std::log(1 + n);
  for (uint32_t i = 0; i < counted.size(); ++i) {
    float square = 0;
    for (const auto& [word, count] : counted[i])
      square += std::pow(static_cast<float>(count) * words_[word].weight, 2.0F);
    for (const auto& [word, count] : counted[i]) {
      Word& known = words_[word];
      if (known.finds)
        known.places.push_back({i, static_cast<float>(count) * known.weight / std::sqrt(square)});
    }
  }
}

KnownSentences::Likeness KnownSentences::Compare(std::string_view said, std::string_view tool) const {
  Likeness likeness;
  float total = 0;
  float unseen = 0;
  float square = 0;
  std::vector<float> nearness(tools_.size());
  std::vector<uint32_t> touched;
  for (const auto& [text, count] : CountedWords(said)) {
    const auto word = words_.find(text);
    const auto n = static_cast<float>(count);
    const float weight = n * (word == words_.end() ? unseen_weight_ : word->second.weight);
    total += weight;
    square += weight * weight;
    if (word == words_.end()) {
      unseen += weight;
      continue;
    }
    for (const Place& place : word->second.places) {
      float& near = nearness[place.sentence];
      if (near == 0) touched.push_back(place.sentence);
      near += weight * place.weight;
    }
  }
  if (total <= 0) return likeness;
  likeness.unseen = static_cast<double>(unseen / total);
  std::array<std::pair<float, uint32_t>, kNearest> best{};  // the nearest first
  for (const uint32_t i : touched) {
    if (nearness[i] <= best.back().first) continue;
    size_t at = kNearest - 1;
    for (; at > 0 && best[at - 1].first < nearness[i]; --at) best[at] = best[at - 1];
    best[at] = {nearness[i], tools_[i]};
  }
  float near = 0;
  float same = 0;
  for (const auto& [nearness_of, named] : best) {
    near += nearness_of;
    if (nearness_of > 0 && names_[named] == tool) same += nearness_of;
  }
  likeness.nearest = static_cast<double>(best.front().first / std::sqrt(square));
  likeness.agreement = near > 0 ? static_cast<double>(same / near) : 0;
  return likeness;
}

}  // namespace sotto
