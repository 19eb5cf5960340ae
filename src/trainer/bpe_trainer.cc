#include "trainer/bpe_trainer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "slm/byte_alphabet.h"
#include "slm/pretokenizer.h"
#include "slm/unicode.h"

namespace sotto {
namespace {

const std::array<std::string, 256>& Alphabet() {
  static const std::array<std::string, 256> alphabet = [] {
    std::array<std::string, 256> result;
    for (size_t byte = 0; byte < result.size(); ++byte)
      AppendUtf8(result[byte], kByteAlphabet.code_points[byte]);
    return result;
  }();
  return alphabet;
}

using Pair = uint64_t;
Pair MakePair(int left, int right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
}

// Words as token sequences, the count of every adjacent pair, and the words each pair occurs in.
class MergeState {
 public:
  explicit MergeState(const std::map<std::string, size_t, std::less<>>& counts) {
    for (const auto& [word, count] : counts) {
      std::vector<int> ids;
      for (const char c : word) ids.push_back(static_cast<unsigned char>(c));
      words_.push_back(std::move(ids));
      counts_.push_back(static_cast<int64_t>(count));
    }
    for (size_t w = 0; w < words_.size(); ++w) {
      for (size_t i = 0; i + 1 < words_[w].size(); ++i)
        Change(MakePair(words_[w][i], words_[w][i + 1]), counts_[w], w);
    }
    for (const auto& [pair, info] : pairs_) heap_.push({info.count, info.order, pair});
  }

  // The most frequent pair; false if there is none of at least `min_count`.
  bool Best(int64_t min_count, Pair& pair) {
    while (!heap_.empty()) {
      const Candidate top = heap_.top();
      heap_.pop();
      if (pairs_.at(top.pair).count != top.count) continue;  // stale; the fresh count is in the heap too
      if (top.count < min_count) return false;
      pair = top.pair;
      return true;
    }
    return false;
  }

  void Merge(Pair pair, int merged) {
    const int left = static_cast<int>(pair >> 32);
    const int right = static_cast<int>(pair & 0xffffffffu);
    const std::unordered_set<size_t> where = std::move(pairs_.at(pair).words);
    std::vector<size_t> ordered(where.begin(), where.end());
    std::sort(ordered.begin(), ordered.end());
    touched_.clear();
    for (const size_t w : ordered) {
      std::vector<int>& ids = words_[w];
      for (size_t i = 0; i + 1 < ids.size(); ++i) {
        if (ids[i] != left || ids[i + 1] != right) continue;
        if (i > 0) {
          Change(MakePair(ids[i - 1], left), -counts_[w], w);
          Change(MakePair(ids[i - 1], merged), counts_[w], w);
        }
        if (i + 2 < ids.size()) {
          Change(MakePair(right, ids[i + 2]), -counts_[w], w);
          Change(MakePair(merged, ids[i + 2]), counts_[w], w);
        }
        ids[i] = merged;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
    pairs_.at(pair).count = 0;
    for (const Pair p : touched_) {
      const Info& info = pairs_.at(p);
      if (info.count > 0) heap_.push({info.count, info.order, p});
    }
  }

 private:
  struct Info {
    int64_t count = 0;
    size_t order = 0;  // of first sight
    std::unordered_set<size_t> words;
  };
  struct Candidate {
    int64_t count;
    size_t order;
    Pair pair;
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : order > other.order;
    }
  };

  void Change(Pair pair, int64_t by, size_t word) {
    auto [entry, fresh] = pairs_.try_emplace(pair);
    if (fresh) entry->second.order = pairs_.size();
    entry->second.count += by;
    if (by > 0) entry->second.words.insert(word);
    touched_.push_back(pair);
  }

  std::vector<std::vector<int>> words_;
  std::vector<int64_t> counts_;
  std::unordered_map<Pair, Info> pairs_;
  std::priority_queue<Candidate> heap_;
  std::vector<Pair> touched_;
};

}  // namespace

std::string ByteAlphabetText(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += Alphabet()[static_cast<unsigned char>(c)];
  return text;
}

void BpeTrainer::Add(std::string_view text, size_t count) {
  std::vector<size_t> ends;
  SplitWords(PretokenizerKind::kDigitsGpt2, text, ends);
  size_t begin = 0;
  for (const size_t end : ends) {
    const std::string_view word = text.substr(begin, end - begin);
    const auto entry = counts_.find(word);
    if (entry == counts_.end()) {
      counts_.emplace(word, count);
    } else {
      entry->second += count;
    }
    begin = end;
  }
}

BpeVocabulary BpeTrainer::Train(size_t n_merges, size_t min_count) const {
  BpeVocabulary vocabulary;
  for (const std::string& letter : Alphabet()) vocabulary.tokens.push_back(letter);
  MergeState state(counts_);
  Pair pair = 0;
  while (vocabulary.merges.size() < n_merges && state.Best(static_cast<int64_t>(min_count), pair)) {
    const std::string& left = vocabulary.tokens[static_cast<size_t>(pair >> 32)];
    const std::string& right = vocabulary.tokens[static_cast<size_t>(pair & 0xffffffffu)];
    const std::string text = left + right;
    vocabulary.merges.push_back(left + " " + right);
    state.Merge(pair, static_cast<int>(vocabulary.tokens.size()));
    vocabulary.tokens.push_back(text);
  }
  return vocabulary;
}

}  // namespace sotto
