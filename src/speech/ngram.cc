#include "speech/ngram.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/check.h"
#include "base/mapped_file.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr int kStart = 0;
constexpr int kEnd = 1;
constexpr int kBits = 21;

std::uint64_t Pack(int a, int b) {
  return (static_cast<std::uint64_t>(a) << kBits) | static_cast<std::uint64_t>(b);
}
std::uint64_t Pack(int a, int b, int c) { return (Pack(a, b) << kBits) | static_cast<std::uint64_t>(c); }
int Part(std::uint64_t key, int from_right) {
  return static_cast<int>((key >> (kBits * from_right)) & ((1u << kBits) - 1));
}

}  // namespace

NgramCounts::NgramCounts() {
  Id("<s>");
  Id("</s>");
}

int NgramCounts::Id(std::string_view word) {
  auto [it, added] = ids_.try_emplace(std::string(word), static_cast<int>(words_.size()));
  if (added) {
    words_.emplace_back(word);
    unigram_.push_back(0);
    SOTTO_CHECK(words_.size() < (1u << kBits));
  }
  return it->second;
}

int NgramCounts::FindId(std::string_view word) const {
  const auto it = ids_.find(std::string(word));
  return it == ids_.end() ? -1 : it->second;
}

void NgramCounts::Add(std::span<const std::string> words, double weight) {
  if (words.empty() || weight <= 0) return;
  std::vector<int> ids = {kStart};
  for (const std::string& word : words) ids.push_back(Id(word));
  ids.push_back(kEnd);
  Count(ids, weight);
  total_weight_ += weight;
}

void NgramCounts::Add(std::string_view sentence, double weight) {
  const std::vector<std::string_view> words = SplitWords(sentence);
  Add(std::vector<std::string>(words.begin(), words.end()), weight);
}

void NgramCounts::Count(std::span<const int> ids, double weight) {
  for (size_t i = 1; i < ids.size(); ++i) {
    unigram_[static_cast<size_t>(ids[i])] += weight;
    unigram_total_ += weight;
    double& two = bigrams_[Pack(ids[i - 1], ids[i])];
    Context& one_context = bigram_contexts_[static_cast<Key>(ids[i - 1])];
    if (two == 0) ++one_context.types;
    two += weight;
    one_context.count += weight;
    if (i < 2) continue;
    double& three = trigrams_[Pack(ids[i - 2], ids[i - 1], ids[i])];
    Context& two_context = trigram_contexts_[Pack(ids[i - 2], ids[i - 1])];
    if (three == 0) ++two_context.types;
    three += weight;
    two_context.count += weight;
  }
}

std::vector<std::string> NgramCounts::Vocabulary() const { return {words_.begin() + 2, words_.end()}; }

double NgramCounts::Unigram(int word) const {
  const double types = static_cast<double>(words_.size()) - 1;  // <s> is never predicted
  const double count = word < 0 ? 0 : unigram_[static_cast<size_t>(word)];
  return (count + 1) / (unigram_total_ + types);
}

double NgramCounts::Bigram(int previous, int word) const {
  const auto context = bigram_contexts_.find(static_cast<Key>(previous));
  if (context == bigram_contexts_.end()) return Unigram(word);
  const auto seen = word < 0 ? bigrams_.end() : bigrams_.find(Pack(previous, word));
  const double count = seen == bigrams_.end() ? 0 : seen->second;
  return (count + context->second.types * Unigram(word)) / (context->second.count + context->second.types);
}

double NgramCounts::Trigram(int before, int previous, int word) const {
  const auto context = trigram_contexts_.find(Pack(before, previous));
  if (context == trigram_contexts_.end()) return Bigram(previous, word);
  const auto seen = word < 0 ? trigrams_.end() : trigrams_.find(Pack(before, previous, word));
  const double count = seen == trigrams_.end() ? 0 : seen->second;
  return (count + context->second.types * Bigram(previous, word)) /
         (context->second.count + context->second.types);
}

double NgramCounts::BackOffAfterOne(int previous) const {
  const auto seen = bigram_contexts_.find(static_cast<Key>(previous));
  return seen == bigram_contexts_.end() ? 1 : seen->second.types / (seen->second.count + seen->second.types);
}

double NgramCounts::BackOffAfterTwo(Key context) const {
  const auto seen = trigram_contexts_.find(context);
  return seen == trigram_contexts_.end() ? 1 : seen->second.types / (seen->second.count + seen->second.types);
}

double NgramCounts::LogProbability(std::span<const std::string> history, std::string_view word) const {
  const int id = FindId(word);
  const size_t n = history.size();
  const int previous = n >= 1 ? FindId(history[n - 1]) : kStart;
  const int before = n >= 2 ? FindId(history[n - 2]) : (n == 1 ? kStart : -1);
  if (previous < 0) return std::log10(Unigram(id));
  if (before < 0) return std::log10(Bigram(previous, id));
  return std::log10(Trigram(before, previous, id));
}

Result<void> NgramCounts::WriteArpa(const std::filesystem::path& path) const {
  std::string out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "\\data\\\nngram 1={}\nngram 2={}\nngram 3={}\n\n\\1-grams:\n", words_.size(),
                 bigrams_.size(), trigrams_.size());
  for (size_t id = 0; id < words_.size(); ++id) {
    const double p = id == kStart ? 1e-99 : Unigram(static_cast<int>(id));
    fmt::format_to(to, "{:.4f} {} {:.4f}\n", std::log10(p), words_[id],
                   std::log10(BackOffAfterOne(static_cast<int>(id))));
  }
  auto name = [&](int id) -> const std::string& { return words_[static_cast<size_t>(id)]; };
  auto sorted = [](const std::unordered_map<Key, double>& grams) {
    std::vector<Key> keys;
    for (const auto& [key, count] : grams) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    return keys;
  };
  fmt::format_to(to, "\n\\2-grams:\n");
  for (Key key : sorted(bigrams_)) {
    const int a = Part(key, 1), b = Part(key, 0);
    fmt::format_to(to, "{:.4f} {} {} {:.4f}\n", std::log10(Bigram(a, b)), name(a), name(b),
                   std::log10(BackOffAfterTwo(key)));
  }
  fmt::format_to(to, "\n\\3-grams:\n");
  for (Key key : sorted(trigrams_)) {
    const int a = Part(key, 2), b = Part(key, 1), c = Part(key, 0);
    fmt::format_to(to, "{:.4f} {} {} {}\n", std::log10(Trigram(a, b, c)), name(a), name(b), name(c));
  }
  fmt::format_to(to, "\n\\end\\\n");
  return WriteFileAtomically(path, out);
}

}  // namespace sotto
