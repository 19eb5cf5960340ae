#include "learn/harvest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "text/edit_distance.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr size_t kMostHeardWords = 3;

}  // namespace

size_t WordEdits(std::string_view said, std::string_view heard) {
  const std::string a = NormaliseSpoken(said);
  const std::string b = NormaliseSpoken(heard);
  return EditDistance(SplitWords(a), SplitWords(b));
}

std::vector<HeardAs> AlignHeard(std::string_view said, std::string_view heard) {
  const std::string said_text = NormaliseSpoken(said);
  const std::string heard_text = NormaliseSpoken(heard);
  const std::vector<std::string_view> a = SplitWords(said_text);
  const std::vector<std::string_view> b = SplitWords(heard_text);
  const std::vector<size_t> cost = EditTable(a, b);
  const size_t width = b.size() + 1;
  // Stretches between words that were heard right, from the end.
  std::vector<HeardAs> found;
  size_t i = a.size();
  size_t j = b.size();
  size_t end_i = i;
  size_t end_j = j;
  const auto close = [&] {
    const size_t n_heard = end_j - j;
    if (end_i - i == 1 && n_heard >= 1 && n_heard <= kMostHeardWords) {
      std::string words;
      for (size_t k = j; k < end_j; ++k) {
        if (!words.empty()) words += ' ';
        words += b[k];
      }
      found.push_back({std::string(a[i]), std::move(words)});
    }
  };
  while (i > 0 || j > 0) {
    if (i > 0 && j > 0 && a[i - 1] == b[j - 1] && cost[i * width + j] == cost[(i - 1) * width + j - 1]) {
      close();
      --i;
      --j;
      end_i = i;
      end_j = j;
    } else if (i > 0 && j > 0 && cost[i * width + j] == cost[(i - 1) * width + j - 1] + 1) {
      --i;
      --j;
    } else if (i > 0 && cost[i * width + j] == cost[(i - 1) * width + j] + 1) {
      --i;
    } else {
      --j;
    }
  }
  close();
  std::reverse(found.begin(), found.end());
  return found;
}

void ConfusionCounts::Add(std::string_view said, std::string_view heard) {
  ++n_sentences_;
  const std::string words = NormaliseSpoken(said);
  n_words_ += SplitWords(words).size();
  n_edits_ += WordEdits(said, heard);
  for (const HeardAs& pair : AlignHeard(said, heard)) ++counts_[pair.said][pair.heard];
}

double ConfusionCounts::word_error_rate() const {
  return n_words_ == 0 ? 0 : static_cast<double>(n_edits_) / static_cast<double>(n_words_);
}

std::string ConfusionCounts::ToTable(size_t least, size_t most) const {
  std::string table;
  for (const auto& [word, heard] : counts_) {
    std::vector<std::pair<size_t, std::string>> ranked;
    for (const auto& [words, count] : heard)
      if (count >= least) ranked.emplace_back(count, words);
    std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    if (ranked.size() > most) ranked.resize(most);
    if (ranked.empty()) continue;
    table += word;
    for (const auto& [count, words] : ranked) table += "\t" + words;
    table += '\n';
  }
  return table;
}

}  // namespace sotto
